// What connections tell, one after another, made into one story: what was given before goes on, and what was sent
// is sent again.

import { MadangError, closed } from './errors.js';
import type {
  EventHello,
  EventRead,
  EventReset,
  EventRoom,
  InboxEntry,
  LiveRoom,
  Message,
  ServerEvent,
} from './generated.js';
import { Inbox } from './inbox.js';
import { Latest } from './latest.js';
import { Link, type State } from './link.js';
import { Marks, type Mark } from './marks.js';
import type { ClientEvents, ClientOptions, Positions } from './options.js';
import { Outbox } from './outbox.js';
import { Requests } from './requests.js';
import { Rest } from './rest.js';
import { Rooms } from './rooms.js';
import { socketTransport, type WebSocketConstructor } from './socket.js';
import { streamTransport } from './stream.js';
import { Tokens } from './tokens.js';
import { Typing } from './typing.js';
import { Wire } from './wire.js';

export type Emit = <Name extends keyof ClientEvents>(name: Name, ...values: ClientEvents[Name]) => void;

/** Room ids and positions in one `resume`, in characters: it is one message. */
const RESUME_CHARACTERS_MAX = 20_000;
const ROOMS_PAGE = 200;

export class Session {
  readonly link: Link;
  readonly rest: Rest;
  readonly rooms: Rooms;
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly marks: Marks;
  readonly requests: Requests;
  readonly typing: Typing;
  readonly wire: Wire;
  user: string | undefined;
  #watched: readonly string[] | undefined;
  /** The `id` of the last event of an event stream. */
  #stream: string | undefined;
  readonly #emit: Emit;
  /** Whether rooms are resumed by a command. */
  readonly #commands: boolean;
  readonly #recount = new Latest(() => this.#count());
  readonly #reread = new Latest(() => this.#read());
  readonly #outdated = new Set<string>();
  #isChanged = false;
  /** Whether the user has rooms that the connection does not show. */
  #more = false;
  /** Stands for the present connection, from its greeting on. */
  #turn: object | undefined;

  constructor(options: ClientOptions, emit: Emit) {
    const { positions, backoff = {}, queueMax = 1000 } = options;
    this.#emit = emit;
    this.#commands = options.transport !== 'sse';
    this.#stream = positions?.stream;
    const base = options.url.replace(/^ws/, 'http').replace(/\/+$/, '');
    const tokens = new Tokens(options.token);
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.rest = new Rest({ base, fetch, tokens });
    this.rooms = new Rooms(positions?.rooms ?? {});
    this.inbox = new Inbox(positions?.inbox);
    const transport = this.#commands
      ? socketTransport(socketOptions(base, options))
      : streamTransport({ base, fetch, rest: this.rest, lastEventId: () => this.#stream });
    const { connectTimeoutMs = 15_000, restartWindowMs = 3_000 } = options;
    this.link = new Link(
      { transport, tokens, backoff, connectTimeoutMs, restartWindowMs },
      {
        onState: (state, error) => this.#stateChanged(state, error),
        onHello: (hello, id) => this.#enter(hello, id),
        onEvent: (event, id) => this.#receive(event, id),
        onLost: () => this.#suspend(),
        onError: (error) => emit('error', error),
        onPositionInvalid: () => this.#losePositions(),
      },
    );
    const isClosed = () => this.link.state === 'closed';
    this.wire = new Wire((command) => this.link.say(command));
    this.outbox = new Outbox(this.wire, {
      queueMax,
      backoff,
      onChange: (outgoing) => emit('outgoing', outgoing),
      // Of a room that is not shown no message comes.
      lastSeq: (room) => (this.#more && !this.rooms.get(room) ? Infinity : this.rooms.lastSeq(room)),
      isClosed,
    });
    this.marks = new Marks(this.wire, {
      backoff,
      onStored: () => this.#recountStale(),
      onRefused: (error) => emit('error', error),
    });
    this.requests = new Requests(this.wire, { queueMax, isClosed });
    this.typing = new Typing(this.wire, (event) => emit('typing', event));
  }

  positions(): Positions {
    const { position } = this.inbox;
    return {
      rooms: this.rooms.places(),
      ...(position === undefined ? {} : { inbox: position }),
      ...(this.#stream === undefined ? {} : { stream: this.#stream }),
    };
  }

  watch(users: readonly string[]): void {
    this.#watched = [...users];
    if (this.wire.ready) this.#sayWatched();
  }

  markRead(room: string, mark: Mark): void {
    if (!this.rooms.read(room, mark.seq)) return;
    this.marks.raise(room, mark);
    this.#changed();
  }

  #stateChanged(state: State, error: MadangError | undefined): void {
    if (state === 'closed') {
      this.#suspend();
      this.typing.close();
      const reason = error ?? closed();
      this.requests.close(reason);
      this.outbox.close(reason);
    }
    this.#emit('state', state, error);
    if (state === 'closed' && error) this.#emit('error', error);
  }

  /** What was under way on a connection is not any more. */
  #suspend(): void {
    this.#turn = undefined;
    for (const part of [this.wire, this.outbox, this.marks, this.typing]) part.suspend();
  }

  #enter(hello: EventHello, id: string | undefined): void {
    // The connection may take the place of another that was open.
    this.#suspend();
    const turn = (this.#turn = {});
    this.user = hello.user;
    const isFirst = this.rooms.isEmpty;
    this.#more = hello.more ?? false;
    const absent = !this.#more ? 'left' : this.#commands ? 'behind' : 'hidden';
    const entered = this.rooms.enter(hello.rooms, this.#commands || this.#stream !== undefined, absent);
    const inbox = this.inbox.enter(hello.inbox);
    this.#stream = id;
    this.#emit('hello', hello);
    if (!isFirst) {
      for (const room of entered.joined) this.#emit('room', { type: 'room', change: 'joined', room });
      for (const room of entered.left) this.#left(room);
      for (const room of entered.hidden) this.#left(room, 'hidden');
    }
    for (const room of entered.cut) this.#emit('reset', resetAt(room));
    this.#changed();
    this.#recountStale();
    // Listeners may have closed the client.
    if (this.#turn !== turn) return;
    if (this.#commands) this.#resume(entered.behind, inbox);
    else this.#open();
  }

  /** Asks for what the connection begins behind; what comes of it before the answer comes again after it. */
  #resume(behind: Record<string, string>, inbox: string | null | undefined): void {
    const parts = split(behind);
    if (parts.length === 0 && inbox !== undefined) parts.push({});
    if (parts.length === 0) return this.#open();
    let unanswered = parts.length;
    this.rooms.setResuming(Object.keys(behind), true);
    this.inbox.resuming = inbox !== undefined;
    parts.forEach((positions, index) => {
      const first = index === 0 && inbox !== undefined ? { inbox } : {};
      this.wire.ask({ type: 'resume', positions, ...first }, (error, ack) => {
        if (error) {
          if (error.code === 'POSITION_INVALID') this.#losePositions();
          return this.link.fail(new MadangError(error.code, error.message, true));
        }
        this.rooms.setResuming(Object.keys(positions), false);
        for (const room of ack?.unknown ?? []) if (this.rooms.awaits(room)) this.#left(room);
        if (index === 0) this.inbox.resuming = false;
        unanswered -= 1;
        if (unanswered === 0) this.#open();
      });
    });
  }

  /** Every room goes on: what waits is said. */
  #open(): void {
    this.wire.ready = true;
    if (this.#watched) this.#sayWatched();
    this.requests.resume();
    this.outbox.resume();
    this.marks.resume();
    this.link.opened();
  }

  #losePositions(): void {
    this.rooms.losePlaces();
    this.inbox.position = this.#stream = undefined;
  }

  #sayWatched(): void {
    this.wire.ask({ type: 'watch', users: [...(this.#watched ?? [])] }, (error) => {
      if (error) this.#emit('error', error);
    });
  }

  #receive(event: ServerEvent, id: string | undefined): void {
    this.#take(event);
    this.#stream = id ?? this.#stream;
  }

  #take(event: ServerEvent): void {
    switch (event.type) {
      case 'message':
        return this.#message(event.message);
      case 'ack':
      case 'error':
        return this.wire.answered(event);
      case 'room':
        return this.#room(event);
      case 'reset':
        return this.#reset(event);
      case 'read':
        return this.#somebodyRead(event);
      case 'inbox':
        return this.#inboxEntry(event.entry);
      case 'typing':
        return this.typing.heard(event);
      case 'receipts':
        return this.#emit('receipts', event);
      case 'presence':
        return this.#emit('presence', event);
      case 'notification':
        return this.#emit('notification', event);
      case 'hello':
      case 'pong':
        return;
      default:
        // Of a newer server. One that this package should know fails the type check.
        event satisfies never;
    }
  }

  #message(message: Message): void {
    const verdict = this.rooms.take(message);
    if (verdict === 'drop') return;
    if (verdict === 'hole') {
      const text = `message ${message.seq} of ${message.roomId} does not follow the one before`;
      return this.link.fail(new MadangError('PROTOCOL', text, true));
    }
    const isOwn = message.sender.id === this.user;
    if (this.rooms.count(message, isOwn)) {
      this.#outdated.add(message.roomId);
      this.#reread.run();
    }
    const outgoing = this.outbox.take(message, isOwn);
    this.typing.stopped(message.roomId, message.sender.id);
    this.#changed();
    this.#emit('message', message, outgoing);
  }

  #room(event: EventRoom): void {
    if (event.change === 'hidden') this.#more = true;
    if (event.change === 'left' || event.change === 'hidden') return this.#left(event.room.id, event.change);
    const isNews = event.change !== 'joined' || this.rooms.join(event.room);
    if (event.change === 'changed') this.rooms.change(event.room);
    this.#changed();
    this.#recountStale();
    if (isNews) this.#emit('room', event);
  }

  /** Nothing comes of the room any more. */
  #left(id: string, change: 'left' | 'hidden' = 'left'): void {
    this.rooms.leave(id);
    this.outbox.leave(id);
    if (change === 'left') this.marks.forget(id);
    this.#changed();
    this.#emit('room', { type: 'room', change, room: { id } });
  }

  #reset(event: EventReset): void {
    const log = event.room === undefined ? this.inbox : this.rooms;
    if (log.reset(event)) this.#emit('reset', event);
    this.#recountStale();
  }

  #somebodyRead(event: EventRead): void {
    if (event.user === this.user && this.rooms.read(event.room, event.seq)) {
      this.#changed();
      this.#recountStale();
    }
    this.#emit('read', event);
  }

  #inboxEntry(entry: InboxEntry): void {
    if (!this.inbox.take(entry)) return;
    this.#changed();
    this.#recountStale();
    this.#emit('inbox', entry);
  }

  /** Rooms or counts are not what they were: told once for all changes of a moment. */
  #changed(): void {
    if (this.#isChanged) return;
    this.#isChanged = true;
    queueMicrotask(() => {
      this.#isChanged = false;
      this.#emit('rooms');
    });
  }

  #recountStale(): void {
    if (this.rooms.isStale || this.inbox.isStale) this.#recount.run();
  }

  /** Where the user has read a part, only the server knows how many of the rest are unread. */
  async #count(): Promise<void> {
    if (this.inbox.isStale) {
      const { unread, notifications } = await this.rest.call('GET /notifications', { size: 1 });
      this.inbox.adopt(unread, notifications[0]?.id ?? 0);
    }
    for (let after: string | null | undefined; this.rooms.isStale; ) {
      const page = await this.rest.call('GET /rooms', { limit: ROOMS_PAGE, ...(after == null ? {} : { after }) });
      for (const room of page.rooms) this.rooms.adopt(room);
      after = page.next;
      if (after == null) break;
    }
    this.#changed();
  }

  /** Reads rooms of which the title, description, picture or context changed. */
  async #read(): Promise<void> {
    for (const id of this.#outdated) {
      this.#outdated.delete(id);
      this.rooms.change(await this.rest.call('GET /rooms/{id}', { id }));
      const room = this.rooms.get(id);
      if (!room) continue;
      this.#changed();
      this.#emit('room', { type: 'room', change: 'changed', room });
    }
  }
}

function socketOptions(base: string, options: ClientOptions) {
  const { pingMs = 30_000, pongMs = 10_000 } = options;
  const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (!WebSocket) throw new MadangError('UNSUPPORTED', 'there is no WebSocket here: give one as an option', false);
  return { url: `${base.replace(/^http/, 'ws')}/ws/v1`, WebSocket, pingMs, pongMs };
}

/** In parts that fit into a message each. */
function split(positions: Record<string, string>): Record<string, string>[] {
  const parts: Record<string, string>[] = [];
  let left = 0;
  for (const [room, position] of Object.entries(positions)) {
    const length = room.length + position.length;
    if (left < length) {
      parts.push({});
      left = RESUME_CHARACTERS_MAX;
    }
    (parts.at(-1) as Record<string, string>)[room] = position;
    left -= length;
  }
  return parts;
}

/** What is missing in a room that goes on from where the connection begins. */
const resetAt = ({ id, position, head }: LiveRoom): EventReset => ({
  type: 'reset',
  room: id,
  oldest: position,
  head: head.position,
  oldestSeq: head.lastSeq + 1,
  lastSeq: head.lastSeq,
});
