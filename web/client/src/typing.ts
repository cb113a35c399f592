// Who writes: said no more often than others need it, and forgotten when it is not said again.

import type { EventTyping } from './generated.js';
import type { Wire } from './wire.js';

/** How often it is said again that the user still writes. */
const REPEAT_MS = 3_000;
/** How long somebody else writes who does not say it again. */
const FORGET_MS = 7_000;
/** Others beyond that are not shown. */
const OTHERS_MAX = 500;

interface Other {
  event: EventTyping;
  timer: ReturnType<typeof setTimeout>;
}

export class Typing {
  readonly #wire: Wire;
  readonly #onChange: (event: EventTyping) => void;
  /** When it was said of a room last. */
  readonly #said = new Map<string, number>();
  readonly #others = new Map<string, Other>();

  constructor(wire: Wire, onChange: (event: EventTyping) => void) {
    this.#wire = wire;
    this.#onChange = onChange;
  }

  say(room: string, active: boolean): void {
    const said = this.#said.get(room);
    const isNews = active ? said === undefined || Date.now() - said >= REPEAT_MS : said !== undefined;
    if (!isNews || !this.#wire.ready) return;
    if (active) this.#said.set(room, Date.now());
    else this.#said.delete(room);
    this.#wire.ask({ type: 'typing', room, active }, () => {});
  }

  /** The user has sent what they wrote: everybody sees that it is over. */
  sent(room: string): void {
    this.#said.delete(room);
  }

  /** Shows that somebody began or stopped. */
  heard(event: EventTyping): void {
    const key = JSON.stringify([event.room, event.user]);
    const known = this.#others.get(key);
    clearTimeout(known?.timer);
    this.#others.delete(key);
    if (event.active) {
      if (this.#others.size >= OTHERS_MAX) return;
      const timer = setTimeout(() => this.heard({ ...event, active: false }), FORGET_MS);
      this.#others.set(key, { event, timer });
    }
    if (event.active !== (known !== undefined)) this.#onChange(event);
  }

  /** Who has sent something does not write it any more. */
  stopped(room: string, user: string): void {
    const known = this.#others.get(JSON.stringify([room, user]));
    if (known) this.heard({ ...known.event, active: false });
  }

  suspend(): void {
    this.#said.clear();
  }

  close(): void {
    this.suspend();
    for (const { timer } of this.#others.values()) clearTimeout(timer);
    this.#others.clear();
  }
}
