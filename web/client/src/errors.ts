// What goes wrong, in one type: what the server refuses, under its own codes, and what the client finds.

import type { ErrorBody, ErrorCode } from './generated.js';

/**
 * What the client itself finds:
 *
 * - `CLOSED`: the client was closed, and the command is not known to be done.
 * - `NETWORK`: the server was not reached, or the connection broke.
 * - `PROTOCOL`: the server said something that it must not say. The client connects anew.
 * - `QUEUE_FULL`: more waits to be sent than `queueMax`.
 * - `RESET`: messages are gone from a room's log that an iteration was to give.
 * - `TIMED_OUT`: nothing came in time.
 * - `TOKEN_UNAVAILABLE`: the application's token function failed; its error is the `cause`.
 * - `UNSUPPORTED`: the transport cannot do this.
 */
export type ClientCode =
  | 'CLOSED'
  | 'NETWORK'
  | 'PROTOCOL'
  | 'QUEUE_FULL'
  | 'RESET'
  | 'TIMED_OUT'
  | 'TOKEN_UNAVAILABLE'
  | 'UNSUPPORTED';

/** Every error of this package. */
export class MadangError extends Error {
  override readonly name = 'MadangError';

  constructor(
    /** Stable; servers newer than this package may have others. */
    readonly code: ErrorCode | ClientCode | (string & {}),
    message: string,
    /** Whether the same can succeed later without being changed. */
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What the server answered. */
export const refused = ({ code, message, retryable }: ErrorBody): MadangError =>
  new MadangError(code, message, retryable);

export const closed = (): MadangError => new MadangError('CLOSED', 'the client is closed', false);

export const unreachable = (cause?: unknown): MadangError =>
  new MadangError('NETWORK', 'the connection broke', true, { cause });

/** Whether another token may help. */
export const isOfToken = (error: MadangError | undefined): boolean =>
  error !== undefined && /^TOKEN_(EXPIRED|INVALID|REVOKED)$/.test(error.code);
