// What every script needs: an unmodified stompjs client with promises around it, REST, tokens.
import { createHmac } from 'node:crypto';
import { WebSocket } from 'ws';
import stompjs6 from 'stompjs6';
import { Client } from 'stompjs7';

// What a browser has by itself.
Object.assign(globalThis, { WebSocket });

const PATIENCE_MS = 30_000;
// A script never outlives its test by much.
setTimeout(() => {
  console.error('the script took too long');
  process.exit(3);
}, 8 * PATIENCE_MS).unref();

export const url = process.env.URL;
export const socketUrl = `${url.replace('http', 'ws')}/ws`;

const base64url = (value) => Buffer.from(value).toString('base64url');

/** A token as the host application would sign it. */
export function sign(claims) {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const parts = [{ alg: 'HS256', typ: 'JWT' }, { exp, ...claims }];
  const input = parts.map((part) => base64url(JSON.stringify(part))).join('.');
  return `${input}.${createHmac('sha256', process.env.KEY).update(input).digest('base64url')}`;
}

/** Items in the order of their arrival, each taken once. */
export class Inbox {
  #items = [];
  #waiting = [];

  put(item) {
    const taker = this.#waiting.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  take(what = 'an item') {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${what}`)), PATIENCE_MS);
      this.#waiting.push((item) => {
        clearTimeout(late);
        resolve(item);
      });
    });
  }

  get length() {
    return this.#items.length;
  }
}

/** One person's client. `version` 7 is used as its manual says, 6 through `Stomp.over`. */
export class Person {
  errors = new Inbox();
  closes = new Inbox();
  #receipts = 0;

  constructor(name, token, version = 7) {
    this.name = name;
    this.token = token;
    this.version = version;
    this.headers = { Authorization: `Bearer ${token}` };
  }

  async connect() {
    if (this.version === 6) return this.#connect6();
    const connected = new Inbox();
    this.client = new Client({
      brokerURL: socketUrl,
      connectHeaders: this.headers,
      reconnectDelay: 0,
      onConnect: (frame) => connected.put(frame),
      onStompError: (frame) => this.errors.put(frame),
      onWebSocketClose: (event) => this.closes.put(event),
    });
    this.client.activate();
    await connected.take(`CONNECTED for ${this.name}`);
    return this;
  }

  async #connect6() {
    this.client = stompjs6.Stomp.over(new WebSocket(socketUrl));
    this.client.debug = () => {};
    await new Promise((resolve) => {
      this.client.connect(
        this.headers,
        resolve,
        (frame) => this.errors.put(frame),
        (event) => this.closes.put(event),
      );
    });
    return this;
  }

  #receipted(send) {
    return new Promise((resolve, reject) => {
      const id = `${this.name}-${(this.#receipts += 1)}`;
      const late = setTimeout(() => reject(new Error(`no RECEIPT ${id}`)), PATIENCE_MS);
      this.client.watchForReceipt(id, () => {
        clearTimeout(late);
        resolve();
      });
      send(id);
    });
  }

  /** Subscribes as the support desk's pages do; resolves to an inbox once it is in force. */
  async subscribe(destination, headers = {}) {
    const inbox = new Inbox();
    await this.#receipted((receipt) =>
      this.client.subscribe(destination, (message) => inbox.put(message), {
        ...this.headers,
        ...headers,
        receipt,
      }),
    );
    return inbox;
  }

  /** Subscribes without waiting: for those that will be refused. */
  trySubscribe(destination) {
    this.client.subscribe(destination, () => {}, { ...this.headers });
  }

  publish(destination, body, headers = {}) {
    const all = { ...this.headers, ...headers };
    if (this.version === 6) this.client.send(destination, all, body);
    else this.client.publish({ destination, body, headers: all });
  }

  /** Sends and resolves when it is accepted. */
  say(roomId, message) {
    const body = JSON.stringify({ roomId, message });
    return this.#receipted((receipt) => this.publish('/pub/message', body, { receipt }));
  }

  async rest(method, path) {
    const response = await fetch(url + path, { method, headers: this.headers });
    const text = await response.text();
    return { status: response.status, text, body: text ? JSON.parse(text) : null };
  }

  disconnect() {
    if (this.version === 6) this.client.disconnect();
    else this.client.deactivate();
  }
}

/** Runs the story; the exit status says how it ended. */
export async function run(story) {
  try {
    await story();
    console.log('story told');
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
