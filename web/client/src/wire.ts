// Commands and their answers, over whatever connection there is.

import { refused, type MadangError } from './errors.js';
import type { ClientCommand, EventAck, EventError } from './generated.js';

/** Called once with what became of a command; not at all when the connection ends first. */
export type Answer = (error: MadangError | undefined, ack: EventAck | undefined) => void;

type WithoutId<C> = C extends unknown ? Omit<C, 'id'> : never;

export class Wire {
  /** Whether rooms go on: commands are answered on the connection on which their effects show. */
  ready = false;
  readonly #say: (command: ClientCommand) => void;
  readonly #answers = new Map<string, Answer>();
  #last = 0;

  constructor(say: (command: ClientCommand) => void) {
    this.#say = say;
  }

  /** Those who ask keep what they want to know again on the next connection, and bound how much that is. */
  ask(command: WithoutId<ClientCommand>, answer: Answer): void {
    const id = String((this.#last += 1));
    this.#answers.set(id, answer);
    this.#say({ ...command, id } as ClientCommand);
  }

  answered(event: EventAck | EventError): void {
    const id = String(event.id);
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (event.type === 'ack') answer?.(undefined, event);
    else answer?.(refused(event.error), undefined);
  }

  suspend(): void {
    this.ready = false;
    this.#answers.clear();
  }
}
