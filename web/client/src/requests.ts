// Commands that are done once however often they are said: said until they are answered.

import { MadangError, closed } from './errors.js';
import type { Wire } from './wire.js';

export interface Repeatable {
  type: 'join' | 'leave';
  room: string;
}

interface Request {
  command: Repeatable;
  /** On how many connections it was said. */
  tries: number;
  resolve: () => void;
  reject: (error: MadangError) => void;
}

export interface RequestsOptions {
  /** How many may wait. */
  queueMax: number;
  isClosed(): boolean;
}

/** What a second `leave` is told when the answer to the first was lost. */
const GONE = ['NOT_YOUR_ROOM', 'ROOM_NOT_FOUND'];

export class Requests {
  readonly #wire: Wire;
  readonly #options: RequestsOptions;
  readonly #pending = new Set<Request>();

  constructor(wire: Wire, options: RequestsOptions) {
    this.#wire = wire;
    this.#options = options;
  }

  ask(command: Repeatable): Promise<void> {
    return new Promise((resolve, reject) => {
      const { queueMax, isClosed } = this.#options;
      if (isClosed()) return reject(closed());
      if (this.#pending.size >= queueMax) {
        return reject(new MadangError('QUEUE_FULL', `${queueMax} commands wait to be sent`, true));
      }
      const request: Request = { command, tries: 0, resolve, reject };
      this.#pending.add(request);
      if (this.#wire.ready) this.#say(request);
    });
  }

  resume(): void {
    for (const request of this.#pending) this.#say(request);
  }

  close(error: MadangError): void {
    for (const request of this.#pending) request.reject(error);
    this.#pending.clear();
  }

  #say(request: Request): void {
    request.tries += 1;
    this.#wire.ask(request.command, (error) => {
      this.#pending.delete(request);
      const isDone = request.command.type === 'leave' && request.tries > 1 && GONE.includes(error?.code ?? '');
      if (error && !isDone) request.reject(error);
      else request.resolve();
    });
  }
}
