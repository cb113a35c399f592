// Commands and their answers, over whatever connection there is.

import type { Command } from './connection.js';
import { refused, type MadangError } from './errors.js';
import type { EventAck, EventError } from './generated.js';

/** Called once with what became of a command; not at all when the connection ends first. */
export type Answer = (error: MadangError | undefined, ack: EventAck | undefined) => void;

type WithoutId<C> = C extends unknown ? Omit<C, 'id'> : never;

export class Wire {
  /** Whether rooms go on: commands are answered on the connection on which their effects show. */
  ready = false;
  readonly #say: (command: Command) => void;
  readonly #answers = new Map<string, Answer>();
  #last = 0;

  constructor(say: (command: Command) => void) {
    this.#say = say;
  }

  /** Those who ask keep what they want to know again on the next connection, and bound how much that is. */
  ask(command: WithoutId<Command>, answer: Answer): void {
    const id = String((this.#last += 1));
    this.#answers.set(id, answer);
    this.#say({ ...command, id } as Command);
  }

  /** Says what needs no answer and may be lost. */
  tell(command: WithoutId<Command>): void {
    this.#say(command as Command);
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
