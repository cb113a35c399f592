// A server that says what a test wants it to say, on sockets that open and close when the test wants it.
import { mock } from 'node:test';
import { MadangClient } from '../dist/index.js';

/** Lets everything run that waits for nothing but its turn. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A socket as the client sees it, and the server's side of it. */
export class FakeSocket {
  /** What the client said on it. */
  said = [];
  isClosed = false;

  constructor(url, protocols) {
    Object.assign(this, { url, protocols });
  }

  send(text) {
    if (this.isClosed) return;
    this.said.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  /** The handshake is through. */
  open() {
    this.onopen?.({});
  }

  tell(event) {
    this.onmessage?.({ data: JSON.stringify(event) });
  }

  /** The connection ends from the other side. */
  cut(code = 1006, reason = '') {
    this.isClosed = true;
    this.onclose?.({ code, reason });
  }

  /** Commands of a type. */
  commands(type) {
    return this.said.filter((command) => command.type === type);
  }

  last(type) {
    return this.commands(type).at(-1);
  }

  /** Answers the last command of a type. */
  ack(type, members = {}) {
    this.tell({ type: 'ack', id: this.last(type).id, ...members });
  }

  refuse(type, code, retryable = false) {
    this.tell({ type: 'error', id: this.last(type).id, error: { code, message: code, retryable } });
  }
}

export const position = (seq) => `e1-${seq}`;

/** A room as `hello` shows it, with `seq` entries in its log. */
export const room = (id, seq = 0, further = {}) => ({
  id,
  kind: 'group',
  number: 1,
  memberCount: 2,
  createdAt: '2026-01-01T00:00:00.000000Z',
  head: { position: position(seq), lastSeq: seq, oldestSeq: 1 },
  position: position(seq),
  unread: 0,
  readSeq: seq,
  ...further,
});

export const message = (roomId, seq, further = {}) => ({
  type: 'message',
  message: {
    roomId,
    seq,
    position: position(seq),
    messageId: position(seq),
    type: 'message',
    sender: { id: 'lee', name: 'Lee', kind: 'member' },
    text: `text ${seq}`,
    sentAt: '2026-01-01T00:00:00.000000Z',
    ...further,
  },
});

export const own = (roomId, seq, clientId) =>
  message(roomId, seq, { sender: { id: 'kim', name: 'Kim', kind: 'member' }, clientId });

export const accepted = (roomId, seq) => ({
  room: roomId,
  seq,
  position: position(seq),
  messageId: position(seq),
  sentAt: '2026-01-01T00:00:00.000000Z',
});

export const hello = (...rooms) => ({ type: 'hello', user: 'kim', session: 's', rooms });

/** A client whose sockets are the test's, and whose clock stands still until the test moves it. */
export class Bench {
  sockets = [];
  /** Names of events and what they carried, in order. */
  log = [];
  tokens = [];

  constructor(test, options = {}) {
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
    const sockets = this.sockets;
    class Socket extends FakeSocket {
      constructor(...values) {
        super(...values);
        sockets.push(this);
      }
    }
    const token = (reason) => {
      this.tokens.push(reason);
      return `token ${this.tokens.length}`;
    };
    this.client = new MadangClient({ url: 'http://madang.test/', token, WebSocket: Socket, ...options });
    test.after(() => {
      this.client.close();
      mock.timers.reset();
      mock.restoreAll();
    });
  }

  /** Notes these events; answers the list of what they carried. */
  note(name, pick = (value) => value) {
    const seen = [];
    this.client.on(name, (...values) => {
      seen.push(pick(...values));
      this.log.push(name);
    });
    return seen;
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** Lets time pass. */
  async pass(ms) {
    mock.timers.tick(ms);
    await settle();
  }

  /** Opens the socket that the client has just asked for, and says `hello`. */
  async greet(...rooms) {
    await settle();
    this.socket.open();
    this.socket.tell(hello(...rooms));
    return this.socket;
  }

  /** A client that is connected. */
  async connect(...rooms) {
    const opened = this.client.connect();
    const socket = await this.greet(...rooms);
    await opened;
    return socket;
  }

  /** Cuts the connection and lets the client come back; answers the socket, behind `hello`. */
  async reconnect(...rooms) {
    const before = this.sockets.length;
    this.socket.cut();
    await this.pass(60_000);
    if (this.sockets.length !== before + 1) throw new Error('the client did not come back');
    return this.greet(...rooms);
  }
}
