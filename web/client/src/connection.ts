// What a transport has to be: one connection, over which events come and commands go.

import type { ClientCommand, ServerEvent } from './generated.js';
import type { MadangError } from './errors.js';

/** Why a connection ended. */
export interface End {
  error: MadangError;
  /** WebSocket close code, where there was one. */
  code?: number;
}

export interface Handlers {
  /** `id` is what an event stream calls its place. */
  onEvent(event: ServerEvent, id?: string): void;
  /** Once, and nothing after it. Not when it was the client that closed. */
  onEnd(end: End): void;
}

export interface Connection {
  /** Sends a command, after `hello`. Its answer is an event with its `id`. */
  say(command: ClientCommand): void;
  /** Finds out whether the other side is still there; ends the connection when it is not. */
  probe(): void;
  /** Ends it; no handler is called any more. */
  close(): void;
}

/** Opens connections, each under the token of its time. */
export interface Transport {
  /** Whether rooms go on by `resume`. An event stream goes on by itself. */
  readonly resumes: boolean;
  dial(token: string | undefined, handlers: Handlers): Connection;
}
