// The client as an application sees it.

import { Emitter } from './emitter.js';
import { closed } from './errors.js';
import type { Message, Routes } from './generated.js';
import { iterate, type IterateOptions } from './iterate.js';
import type { State } from './link.js';
import type { Mark } from './marks.js';
import type { ClientEvents, ClientOptions, Content, Positions } from './options.js';
import type { Outgoing, OutgoingCommand } from './outbox.js';
import type { RestArguments, Route } from './rest.js';
import type { RoomView } from './rooms.js';
import { Session } from './session.js';

const WATCHED_MAX = 200;

/**
 * A user's connection to the server. Every entry of every room is given once, in order and without a hole, and
 * every message that is sent is stored once, over any number of reconnects.
 */
export class MadangClient extends Emitter<ClientEvents> {
  readonly #session: Session;
  readonly #online = () => this.#session.link.wake();
  readonly #visible = () => {
    if (document.visibilityState === 'visible') this.#session.link.wake();
  };

  constructor(options: ClientOptions) {
    super();
    this.#session = new Session(options, (name, ...values) => this.emit(name, ...values));
    this.on('state', (state) => state === 'closed' && this.#listen('removeEventListener'));
  }

  get state(): State {
    return this.#session.link.state;
  }

  /** The user's id; known from the first connection on. */
  get user(): string | undefined {
    return this.#session.user;
  }

  /** Connects, and stays so until {@link close}. Resolves when it is open; rejects when it is closed before that. */
  connect(): Promise<void> {
    const { link } = this.#session;
    if (link.state === 'open') return Promise.resolve();
    const opened = new Promise<void>((resolve, reject) => {
      const off = this.on('state', (state, error) => {
        if (state === 'open') resolve();
        else if (state === 'closed') reject(error ?? closed());
        else return;
        off();
      });
    });
    // Who does not wait for it is told by `state`.
    opened.catch(() => {});
    this.#listen('addEventListener');
    link.start();
    return opened;
  }

  /** Ends the connection. What has no answer yet is rejected with `CLOSED`. */
  close(): void {
    this.#session.link.stop();
  }

  /** Where the application is: the next client goes on there with it as its option `positions`. */
  positions(): Positions {
    return this.#session.positions();
  }

  /** The user's rooms, with their unread counts: as many as a connection shows. */
  get rooms(): RoomView[] {
    return this.#session.rooms.list();
  }

  room(id: string): RoomView | undefined {
    return this.#session.rooms.get(id);
  }

  /** Unread messages in all rooms, and unread notifications. */
  get unread(): { messages: number; notifications: number } {
    const { rooms, inbox } = this.#session;
    return { messages: rooms.unread, notifications: inbox.unread };
  }

  /** Joins an open room. Resolves once it is done, over however many connections. */
  join(room: string): Promise<void> {
    return this.#session.requests.ask({ type: 'join', room });
  }

  /** Leaves a room, as {@link join} joins. */
  leave(room: string): Promise<void> {
    return this.#session.requests.ask({ type: 'leave', room });
  }

  /**
   * A room's entries from now on, or behind `after`: each once, in order. Ends when the room is left or the client
   * is closed; throws `RESET` when entries are gone from the log. Who takes them slowly gets them all the same.
   */
  messages(room: string, options: IterateOptions = {}): AsyncGenerator<Message, void, undefined> {
    return iterate(this, room, options);
  }

  /** Sends a message. It is shown at once as `outgoing`, and replaced by a `message`. */
  send(room: string, { text, data, clientId }: Content): Outgoing {
    this.#session.typing.sent(room);
    return this.#send({ type: 'send', room, ...body(text, data) }, clientId);
  }

  /** Gives an earlier message another body. */
  edit(room: string, seq: number, { text, data, clientId }: Content): Outgoing {
    return this.#send({ type: 'edit', room, seq, ...body(text, data) }, clientId);
  }

  /** Takes an earlier message's body away. */
  delete(room: string, seq: number): Outgoing {
    return this.#send({ type: 'delete', room, seq }, undefined);
  }

  /** What was sent and is not replaced by its message yet, in a room or in all, in order. */
  outgoing(room?: string): Outgoing[] {
    return this.#session.outbox.list(room);
  }

  /** The user has read up to this message. Only rises; of many marks the newest is told. */
  markRead(room: string, { seq, position }: Mark): void {
    this.#session.markRead(room, { seq, position });
  }

  /** The user writes, or has stopped. May be called at every key; sending says that it is over. */
  typing(room: string, active = true): void {
    this.#session.typing.say(room, active);
  }

  /** Has `presence` events of these users come from now on, at most 200, instead of those watched before. */
  watch(users: readonly string[]): void {
    if (users.length > WATCHED_MAX) throw new RangeError(`at most ${WATCHED_MAX} users can be watched`);
    this.#session.watch(users);
  }

  /**
   * Asks the REST API: `client.rest('GET /rooms/{id}/messages', { id, before: 40 })`. Rejects with a
   * {@link MadangError}.
   */
  rest<R extends Route>(
    route: R,
    params: Routes[R]['params'],
    ...further: RestArguments<R>
  ): Promise<Routes[R]['answer']> {
    return this.#session.rest.call(route, params, ...further);
  }

  #send(command: OutgoingCommand, clientId: string | undefined): Outgoing {
    return this.#session.outbox.add(command, clientId ?? randomId());
  }

  #listen(how: 'addEventListener' | 'removeEventListener'): void {
    globalThis[how]?.('online', this.#online);
    globalThis.document?.[how]('visibilitychange', this.#visible);
  }
}

const body = (text: string | undefined, data: unknown) => ({
  ...(text === undefined ? {} : { text }),
  ...(data === undefined ? {} : { data }),
});

/** 128 random bits. `crypto.randomUUID` is not there on pages without TLS. */
const randomId = (): string =>
  Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join('-');
