// What an application gives to the client and hears from it.

import type { BackoffOptions } from './backoff.js';
import type { MadangError } from './errors.js';
import type {
  EventHello,
  EventNotification,
  EventPresence,
  EventRead,
  EventReceipts,
  EventReset,
  EventRoom,
  EventTyping,
  InboxEntry,
  Message,
} from './generated.js';
import type { State } from './link.js';
import type { Outgoing } from './outbox.js';
import type { Place } from './rooms.js';
import type { WebSocketConstructor } from './socket.js';
import type { TokenFunction } from './tokens.js';

/** Where the application is in all that it receives. JSON: it may be kept over a reload of the page. */
export interface Positions {
  rooms: Record<string, Place>;
  /** `null`: there was never a notification. */
  inbox?: string | null;
  /** Of an event stream. */
  stream?: string;
}

export interface ClientOptions {
  /** The server, such as `https://chat.example.com`. */
  url: string;
  /** The host application's token for the user. Left out where a cookie says who it is. */
  token?: TokenFunction;
  /** `sse` receives server-sent events and sends over REST, for networks that block WebSockets. Default `websocket`. */
  transport?: 'websocket' | 'sse';
  /** Where to go on, as {@link MadangClient.positions} has given it. */
  positions?: Positions;
  /** Default: the platform's. Node has one since version 22. */
  WebSocket?: WebSocketConstructor;
  /** Default: the platform's. */
  fetch?: typeof fetch;
  backoff?: BackoffOptions;
  /** How many messages, edits and deletions may wait, and how many other commands. Default 1,000. */
  queueMax?: number;
  /** A connection that has not come about by then is given up. Default 15,000. */
  connectTimeoutMs?: number;
  /** After any part of this a server that restarts is come back to. Default 3,000. */
  restartWindowMs?: number;
  /** After so long a silence the server is asked for a sign of life. Default 30,000. */
  pingMs?: number;
  /** After so long without one the connection is given up. Default 10,000. */
  pongMs?: number;
}

/** What happens, and what listeners are called with. */
export interface ClientEvents {
  /** `error` says why it is not `open`. */
  state: [state: State, error?: MadangError];
  /** There is a new connection; `rooms` is up to date. */
  hello: [hello: EventHello];
  /** An entry of a room's log: each once, in order, without a hole. `outgoing` is what was shown in its place. */
  message: [message: Message, outgoing?: Outgoing];
  /** Something that the user sends is shown, accepted, replaced by its message, or refused. */
  outgoing: [outgoing: Outgoing];
  /** Part of a room's log is gone that was to be given: what is kept follows. */
  reset: [reset: EventReset];
  /**
   * A room became the user's, changed, is theirs no more, or gave its place to another; also what happened while
   * there was no connection.
   */
  room: [event: EventRoom];
  /** Something in `rooms` or `unread` changed. Told once for all changes of a moment. */
  rooms: [];
  read: [event: EventRead];
  receipts: [event: EventReceipts];
  typing: [event: EventTyping];
  presence: [event: EventPresence];
  /** Something happened in the user's inbox: each once, in order, without a hole. */
  inbox: [entry: InboxEntry];
  notification: [event: EventNotification];
  /** Something failed that no promise tells of. The client goes on, unless its `state` is `closed`. */
  error: [error: MadangError];
}

/** What a message says: a text, `data` (any JSON), or both. */
export interface Content {
  text?: string;
  data?: unknown;
  /** The application's own name for it; sent again with it, it is stored once. Default: a random one. */
  clientId?: string;
}
