// Read marks: only the newest of a room is worth sending.

import { Backoff, type BackoffOptions } from './backoff.js';
import type { MadangError } from './errors.js';
import type { Wire } from './wire.js';

export interface Mark {
  seq: number;
  position: string;
}

interface Pending {
  mark: Mark;
  sent: boolean;
  timer?: ReturnType<typeof setTimeout>;
}

export interface MarksOptions {
  backoff: BackoffOptions;
  /** The server has the mark. */
  onStored(room: string): void;
  /** The server will not have it. */
  onRefused(error: MadangError): void;
}

/** One mark of a room is under way at a time; of those that come meanwhile the highest follows. At most one a room. */
export class Marks {
  readonly #wire: Wire;
  readonly #options: MarksOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #backoff: Backoff;

  constructor(wire: Wire, options: MarksOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
  }

  /** The user has read up to there. */
  raise(room: string, mark: Mark): void {
    const pending = this.#pending.get(room) ?? { mark, sent: false };
    if (mark.seq > pending.mark.seq) pending.mark = mark;
    this.#pending.set(room, pending);
    this.#pump(room, pending);
  }

  forget(room: string): void {
    clearTimeout(this.#pending.get(room)?.timer);
    this.#pending.delete(room);
  }

  resume(): void {
    for (const [room, pending] of this.#pending) this.#pump(room, pending);
  }

  suspend(): void {
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.sent = false;
    }
  }

  #pump(room: string, pending: Pending): void {
    if (pending.sent || !this.#wire.ready) return;
    clearTimeout(pending.timer);
    pending.sent = true;
    const { mark } = pending;
    this.#wire.ask({ type: 'read', room, position: mark.position }, (error) => {
      pending.sent = false;
      if (this.#pending.get(room) !== pending) return;
      if (error?.retryable) {
        pending.timer = setTimeout(() => this.#pump(room, pending), this.#backoff.next());
        return;
      }
      this.#backoff.failures = 0;
      if (pending.mark !== mark) this.#pump(room, pending);
      else this.#pending.delete(room);
      if (error) this.#options.onRefused(error);
      else this.#options.onStored(room);
    });
  }
}
