// JSON over WebSocket: docs/json.md.

import { MadangError, refused, unreachable } from './errors.js';
import type { Connection, Handlers, Transport } from './connection.js';
import type { ClientCommand, ServerEvent } from './generated.js';

/** What is used of a WebSocket: the browser's, Node's own, or that of the package `ws`. */
export interface WebSocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

export interface SocketOptions {
  url: string;
  WebSocket: WebSocketConstructor;
  /** After so long a silence the server is asked for a sign of life. */
  pingMs: number;
  /** After so long without one the connection is given up. */
  pongMs: number;
}

/** The WebSocket subprotocol. */
const PROTOCOL = 'madang.v1.json';

export const socketTransport = (options: SocketOptions): Transport => ({
  resumes: true,
  dial: (token, handlers) => new Socket(options, token, handlers),
});

class Socket implements Connection {
  readonly #socket: WebSocketLike;
  readonly #options: SocketOptions;
  readonly #handlers: Handlers;
  /** What the server said before it closes. */
  #error: MadangError | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #heard = false;
  #pinged = false;

  constructor(options: SocketOptions, token: string | undefined, handlers: Handlers) {
    this.#options = options;
    this.#handlers = handlers;
    const socket = (this.#socket = new options.WebSocket(options.url, [PROTOCOL]));
    socket.onopen = () => {
      // Browsers cannot say it in the handshake.
      if (token !== undefined) this.say({ type: 'auth', token });
      this.#watchFor(options.pingMs);
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#end(this.#error ?? reasonOf(code, reason), code);
    // A close follows.
    socket.onerror = () => {};
  }

  say(command: ClientCommand): void {
    this.#socket.send(JSON.stringify(command));
  }

  probe(): void {
    if (this.#pinged) return;
    this.#pinged = true;
    this.say({ type: 'ping' });
    this.#watchFor(this.#options.pongMs);
  }

  close(): void {
    clearTimeout(this.#watch);
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  #receive(data: unknown): void {
    this.#heard = true;
    this.#pinged = false;
    let event: ServerEvent;
    try {
      event = JSON.parse(data as string);
    } catch (cause) {
      return this.#end(new MadangError('PROTOCOL', 'a message was no JSON', true, { cause }));
    }
    if (event.type === 'error' && event.id == null) this.#error = refused(event.error);
    else this.#handlers.onEvent(event);
  }

  #watchFor(ms: number): void {
    clearTimeout(this.#watch);
    this.#heard = false;
    this.#watch = setTimeout(() => {
      if (this.#heard) this.#watchFor(this.#options.pingMs);
      else if (!this.#pinged) this.probe();
      else this.#end(new MadangError('TIMED_OUT', 'the server is silent', true));
    }, ms);
  }

  #end(error: MadangError, code?: number): void {
    this.close();
    this.#handlers.onEnd(code === undefined ? { error } : { error, code });
  }
}

/** The reason of a close is the server's code, where the server closed; an `error` has mostly told more. */
const reasonOf = (code: number, reason: string): MadangError =>
  /^[A-Z][A-Z_]+$/.test(reason) ? new MadangError(reason, `closed with ${code}`, true) : unreachable();
