// A server in memory that keeps the promises of docs/json.md and no more: it answers and shows in any order that
// they leave open. Connections carry bytes, and may be cut at any of them.
import { message, position } from './fakes.mjs';

/** Numbers from a seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (bound) => Math.floor(next() * bound), chance: (part) => next() < part };
}

/** One direction of a connection: whole messages, of which a cut may take any part. */
class Pipe {
  #messages = [];

  put(text) {
    this.#messages.push(text);
  }

  get length() {
    return this.#messages.length;
  }

  take() {
    return this.#messages.shift();
  }

  /** What arrives when the connection is cut at some byte of what is under way. */
  cut(random) {
    const total = this.#messages.reduce((sum, text) => sum + text.length, 0);
    let bytes = random.below(total + 1);
    const whole = this.#messages.findIndex((text) => (bytes -= text.length) < 0);
    return this.#messages.splice(0).slice(0, whole < 0 ? undefined : whole);
  }
}

export class ModelServer {
  user = 'kim';
  /** Logs by room; the first entry kept is number `oldest`. */
  rooms = new Map();
  connections = [];
  #ids = 0;

  constructor(random, rooms) {
    this.random = random;
    for (const id of rooms) this.rooms.set(id, { log: [], oldest: 1 });
    const server = this;
    this.Socket = class {
      constructor() {
        this.connection = new Connection(server, this);
        server.connections.push(this.connection);
      }

      send(text) {
        this.connection.up.put(text);
      }

      close() {
        this.connection.abandon();
      }
    };
  }

  post(room, sender, text, clientId) {
    const { log } = this.rooms.get(room);
    const known = clientId && log.find((one) => one.sender.id === sender && one.clientId === clientId);
    if (known) return known;
    const kind = { sender: { id: sender, name: sender, kind: 'member' }, text, ...(clientId ? { clientId } : {}) };
    const stored = message(room, log.length + 1, kind).message;
    log.push(stored);
    return stored;
  }

  /** Retention takes a part of a room's log. */
  sweep(room) {
    const state = this.rooms.get(room);
    state.oldest += this.random.below(state.log.length + 2 - state.oldest);
  }

  live(id) {
    const { log, oldest } = this.rooms.get(id);
    const head = { position: position(log.length), lastSeq: log.length, oldestSeq: oldest };
    const unread = log.filter(({ sender }) => sender.id !== this.user).length;
    const createdAt = '2026-01-01T00:00:00.000000Z';
    return { id, kind: 'group', number: 1, memberCount: 2, createdAt, head, position: head.position, unread, readSeq: 0 };
  }

  nextId() {
    return `s${(this.#ids += 1)}`;
  }
}

/** One connection, from the server's side. */
class Connection {
  up = new Pipe();
  down = new Pipe();
  isOpen = true;
  isKnown = false;
  /** By room: the last entry that was shown. */
  cursors = new Map();

  constructor(server, socket) {
    this.server = server;
    this.socket = socket;
  }

  /** The client has closed: nothing of what is under way is heard by it. What it said may still come. */
  abandon() {
    this.isGone = true;
  }

  /** One step of the server or the network. */
  step() {
    const { random } = this.server;
    if (!this.isOpened) {
      this.isOpened = true;
      return this.socket.onopen?.({});
    }
    const choices = [];
    if (this.up.length > 0) choices.push(() => this.hear(JSON.parse(this.up.take())));
    if (this.down.length > 0) choices.push(() => this.deliver(this.down.take()));
    const behind = [...this.cursors].filter(([id, cursor]) => cursor < this.server.rooms.get(id).log.length);
    if (behind.length > 0) choices.push(() => this.show(behind[random.below(behind.length)][0]));
    choices[random.below(choices.length)]?.();
  }

  get isIdle() {
    const isBehind = [...this.cursors].some(([id, cursor]) => cursor < this.server.rooms.get(id).log.length);
    return this.isOpened && this.up.length + this.down.length === 0 && !isBehind;
  }

  cut() {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const text of this.up.cut(this.server.random)) this.hear(JSON.parse(text));
    for (const text of this.down.cut(this.server.random)) this.deliver(text);
    this.socket.onclose?.({ code: 1006, reason: '' });
  }

  deliver(text) {
    this.socket.onmessage?.({ data: text });
  }

  tell(event) {
    this.down.put(JSON.stringify(event));
  }

  /** Shows the next entry of a room, or that it is gone. */
  show(id) {
    const { log, oldest } = this.server.rooms.get(id);
    const cursor = this.cursors.get(id);
    if (cursor + 1 < oldest) {
      this.cursors.set(id, oldest - 1);
      const places = { oldest: position(oldest), head: position(log.length), oldestSeq: oldest, lastSeq: log.length };
      return this.tell({ type: 'reset', room: id, ...places });
    }
    this.cursors.set(id, cursor + 1);
    if (cursor < log.length) this.tell({ type: 'message', message: log[cursor] });
  }

  hear(command) {
    const { server } = this;
    switch (command.type) {
      case 'auth': {
        const ids = [...server.rooms.keys()];
        this.isKnown = true;
        this.tell({ type: 'hello', user: server.user, session: server.nextId(), rooms: ids.map((id) => server.live(id)) });
        return ids.forEach((id) => this.cursors.set(id, server.rooms.get(id).log.length));
      }
      case 'resume': {
        // The entries that were told of before are dropped by the client.
        this.tell({ type: 'ack', id: command.id, unknown: [] });
        const places = Object.entries(command.positions);
        return places.forEach(([id, place]) => this.cursors.set(id, Number(place.split('-')[1])));
      }
      case 'send': {
        if (server.random.chance(0.1)) {
          return this.tell({ type: 'error', id: command.id, error: { code: 'OVERLOADED', message: '', retryable: true } });
        }
        const { room, seq, position, messageId, sentAt } = accept(server, command);
        // The message may be shown before its answer.
        while (server.random.chance(0.5) && this.cursors.get(room) < server.rooms.get(room).log.length) this.show(room);
        return this.tell({ type: 'ack', id: command.id, room, seq, position, messageId, sentAt });
      }
      default:
        return this.tell({ type: 'ack', id: command.id });
    }
  }
}

function accept(server, { room, text, clientId }) {
  const stored = server.post(room, server.user, text, clientId);
  return { ...stored, room };
}
