// What the user sends: shown at once, sent in order, and sent again until the server has said what became of it.

import { Backoff, type BackoffOptions } from './backoff.js';
import { MadangError, closed } from './errors.js';
import type { Accepted, CommandDelete, CommandEdit, CommandSend, Message } from './generated.js';
import type { Wire } from './wire.js';

/**
 * - `pending`: not known to be accepted.
 * - `accepted`: durable, and its `message` event is on its way.
 * - `settled`: its `message` event has come, or will not come any more: nothing is to be shown in its place.
 * - `refused`: by the server, or given up with the client; nothing was stored, as far as is known.
 */
export type OutgoingState = 'pending' | 'accepted' | 'settled' | 'refused';

export type OutgoingCommand =
  | Omit<CommandSend, 'id'>
  | Omit<CommandEdit, 'id'>
  | Omit<CommandDelete, 'id'>;

/** Something that was sent, edited or deleted. */
export class Outgoing {
  state: OutgoingState = 'pending';
  /** Why it was refused. */
  error: MadangError | undefined;
  /** When it was given to the client. */
  readonly createdAt = new Date();
  /** Resolves once it is durable; rejects with a {@link MadangError} when it is refused. May be left alone. */
  readonly accepted: Promise<Accepted>;
  /** Its number, once it is accepted. @internal */
  seq = 0;
  /** @internal */
  resolve!: (accepted: Accepted) => void;
  /** @internal */
  reject!: (error: MadangError) => void;

  constructor(
    readonly command: OutgoingCommand,
    /** Names it among all that the user sends to the room. */
    readonly clientId: string,
  ) {
    this.accepted = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.accepted.catch(() => {});
  }

  get room(): string {
    return this.command.room;
  }

  /** `edit` and `delete` have nothing to show in place of a message. */
  get isMessage(): boolean {
    return this.command.type === 'send';
  }
}

/** What goes to one room: one at a time, so that nothing overtakes. */
interface Lane {
  room: string;
  pending: Outgoing[];
  /** The first of `pending`, while its answer is awaited. */
  sent: Outgoing | undefined;
  /** Accepted, and not yet seen as a message. */
  accepted: Outgoing[];
  timer?: ReturnType<typeof setTimeout>;
}

export interface OutboxOptions {
  /** How many may wait in all rooms together. */
  queueMax: number;
  backoff: BackoffOptions;
  onChange(outgoing: Outgoing): void;
  /** The number of the last message of the room that was given to the application. */
  lastSeq(room: string): number;
  isClosed(): boolean;
}

/** The server closes a connection that sends more in one message (`websocket.message_bytes_max`). */
const COMMAND_BYTES_MAX = 131_072;

export class Outbox {
  readonly #wire: Wire;
  readonly #options: OutboxOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #backoff: Backoff;
  #size = 0;

  constructor(wire: Wire, options: OutboxOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#backoff = new Backoff(options.backoff);
  }

  /** What is pending or accepted in a room, or in all, in order. */
  list(room?: string): Outgoing[] {
    const lanes = room === undefined ? [...this.#lanes.values()] : [this.#lanes.get(room)];
    return lanes.flatMap((lane) => (lane ? [...lane.accepted, ...lane.pending] : []));
  }

  add(command: OutgoingCommand, clientId: string): Outgoing {
    const lane = this.#lanes.get(command.room) ?? { room: command.room, pending: [], sent: undefined, accepted: [] };
    const known = [...lane.accepted, ...lane.pending].find((one) => one.clientId === clientId);
    if (known) return known;
    const outgoing = new Outgoing({ ...command, clientId }, clientId);
    const error = this.#objection(outgoing);
    this.#lanes.set(command.room, lane);
    lane.pending.push(outgoing);
    this.#size += 1;
    if (error) {
      this.#refuse(lane, outgoing, error);
      return outgoing;
    }
    this.#options.onChange(outgoing);
    this.#pump(lane);
    return outgoing;
  }

  /** There is a connection: what has no answer is sent, again where it was sent before. */
  resume(): void {
    this.#backoff.failures = 0;
    for (const lane of this.#lanes.values()) this.#pump(lane);
  }

  /** The connection is gone, and with it what it would have answered. */
  suspend(): void {
    for (const lane of this.#lanes.values()) {
      clearTimeout(lane.timer);
      lane.sent = undefined;
    }
  }

  /** A message is about to be shown. Answers what of the user's own was shown in its place. */
  take(message: Message, isOwn: boolean): Outgoing | undefined {
    const lane = this.#lanes.get(message.roomId);
    if (!lane) return undefined;
    const isIt = (one: Outgoing) => one.clientId === message.clientId;
    const outgoing = isOwn && message.clientId != null ? [...lane.accepted, ...lane.pending].find(isIt) : undefined;
    // The message may come before the answer.
    if (outgoing?.state === 'pending') this.#accept(lane, outgoing, { ...message, room: message.roomId });
    this.#settle(lane, message.seq);
    return outgoing?.isMessage ? outgoing : undefined;
  }

  /** The room is not the user's any more: no message will come. */
  leave(room: string): void {
    const lane = this.#lanes.get(room);
    if (lane) this.#settle(lane, Infinity);
  }

  /** Nothing is sent any more. */
  close(error: MadangError): void {
    this.suspend();
    for (const lane of [...this.#lanes.values()]) {
      for (const outgoing of [...lane.pending]) this.#refuse(lane, outgoing, error);
      this.#settle(lane, Infinity);
    }
  }

  #objection({ command }: Outgoing): MadangError | undefined {
    const { queueMax, isClosed } = this.#options;
    if (isClosed()) return closed();
    if (this.#size >= queueMax) {
      return new MadangError('QUEUE_FULL', `${queueMax} messages wait to be sent`, true);
    }
    const bytes = new TextEncoder().encode(JSON.stringify(command)).length;
    if (bytes < COMMAND_BYTES_MAX - 64) return undefined;
    return new MadangError('TOO_LARGE', `the message is larger than ${COMMAND_BYTES_MAX} bytes`, false);
  }

  #pump(lane: Lane): void {
    const first = lane.pending[0];
    if (!first || lane.sent || !this.#wire.ready) return;
    clearTimeout(lane.timer);
    lane.sent = first;
    this.#wire.ask(first.command, (error, ack) => {
      // Its message came first.
      if (lane.sent !== first) return;
      lane.sent = undefined;
      if (error?.retryable) {
        lane.timer = setTimeout(() => this.#pump(lane), this.#backoff.next());
        return;
      }
      this.#backoff.failures = 0;
      if (error) this.#refuse(lane, first, error);
      else this.#accept(lane, first, ack as Accepted);
      // It was sent and shown before this client began.
      if (first.seq <= this.#options.lastSeq(first.room)) this.#settle(lane, first.seq);
    });
  }

  #accept(lane: Lane, outgoing: Outgoing, accepted: Accepted): void {
    const { room, seq, position, messageId, sentAt } = accepted;
    outgoing.seq = seq;
    outgoing.resolve({ room, seq, position, messageId, sentAt });
    if (outgoing.isMessage) lane.accepted.push(outgoing);
    this.#decided(lane, outgoing, 'accepted');
  }

  #refuse(lane: Lane, outgoing: Outgoing, error: MadangError): void {
    outgoing.error = error;
    outgoing.reject(error);
    this.#decided(lane, outgoing, 'refused');
  }

  #decided(lane: Lane, outgoing: Outgoing, state: OutgoingState): void {
    lane.pending = lane.pending.filter((one) => one !== outgoing);
    if (lane.sent === outgoing) lane.sent = undefined;
    this.#change(lane, outgoing, state);
    this.#pump(lane);
  }

  /** Nothing numbered up to `seq` comes any more. */
  #settle(lane: Lane, seq: number): void {
    const settled = lane.accepted.filter((one) => one.seq <= seq);
    lane.accepted = lane.accepted.filter((one) => one.seq > seq);
    for (const outgoing of settled) this.#change(lane, outgoing, 'settled');
  }

  #change(lane: Lane, outgoing: Outgoing, state: OutgoingState): void {
    outgoing.state = state;
    if (!lane.accepted.includes(outgoing)) this.#size -= 1;
    if (lane.accepted.length + lane.pending.length === 0) this.#lanes.delete(lane.room);
    this.#options.onChange(outgoing);
  }
}
