// An event stream taken apart (HTML, section 9.2.6). Of an event's fields `data` and `id` matter: what `event`
// says is in the data too.

export class EventParser {
  readonly #dispatch: (data: string, id: string | undefined) => void;
  #rest = '';
  #data: string[] = [];
  #id: string | undefined;

  /** `id` is that of the last event which had one. */
  constructor(dispatch: (data: string, id: string | undefined) => void) {
    this.#dispatch = dispatch;
  }

  /** Takes text as it comes, cut anywhere. */
  push(text: string): void {
    // A line feed that follows may belong to the carriage return.
    const whole = this.#rest + text;
    const end = whole.endsWith('\r') ? whole.length - 1 : whole.length;
    const lines = whole.slice(0, end).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + whole.slice(end);
    lines.forEach((line) => this.#take(line));
  }

  #take(line: string): void {
    if (line === '') {
      const data = this.#data.join('\n');
      this.#data = [];
      if (data !== '') this.#dispatch(data, this.#id);
      return;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) as RegExpExecArray;
    if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
  }
}
