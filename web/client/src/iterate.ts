// A room's entries as an async iterable: live while the reader keeps up, from the log when it does not.

import { Backoff } from './backoff.js';
import type { MadangClient } from './client.js';
import { MadangError } from './errors.js';
import type { Message } from './generated.js';

export interface IterateOptions {
  /** Begins behind the entry with this number, which may be long ago; 0 is the beginning. Default: now. */
  after?: number;
  /** Entries that are kept for a slow reader. Default 256. */
  bufferMax?: number;
  /** Ends the iteration. */
  signal?: AbortSignal;
}

const PAGE = 200;

export async function* iterate(
  client: MadangClient,
  room: string,
  { after, bufferMax = 256, signal }: IterateOptions,
): AsyncGenerator<Message, void, undefined> {
  const buffer: Message[] = [];
  let last = after;
  let isBehind = after !== undefined;
  let end: { error?: MadangError } | undefined = signal?.aborted ? {} : undefined;
  let wake = () => {};
  const finish = (error?: MadangError) => {
    end ??= error ? { error } : {};
    wake();
  };
  const abort = () => finish();
  const over = new AbortController();
  client.on('message', (message) => {
    if (message.roomId !== room || isBehind || end) return;
    if (buffer.length < bufferMax) buffer.push(message);
    else isBehind = true;
    wake();
  }, over);
  client.on('reset', (event) => event.room === room && finish(gone(room)), over);
  const isOver = (change: string) => change === 'left' || change === 'hidden';
  client.on('room', (event) => event.room.id === room && isOver(event.change) && finish(), over);
  client.on('state', (state, error) => state === 'closed' && finish(error), over);
  signal?.addEventListener('abort', abort);
  try {
    for (;;) {
      for (let message = buffer.shift(); message; message = buffer.shift()) {
        if (last !== undefined && message.seq <= last) continue;
        last = message.seq;
        yield message;
      }
      if (end?.error) throw end.error;
      if (end) return;
      if (isBehind) {
        // From here on what comes is kept again, and what the log has beside it is known by its number.
        isBehind = false;
        for await (const message of log(client, room, last ?? 0, signal)) {
          if (message.seq <= (last ?? 0)) continue;
          last = message.seq;
          yield message;
        }
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    over.abort();
    signal?.removeEventListener('abort', abort);
  }
}

/** What the log has behind a number, page by page. */
async function* log(client: MadangClient, id: string, after: number, signal: AbortSignal | undefined) {
  const backoff = new Backoff();
  for (let last = after, hasMore = true; hasMore && !signal?.aborted; ) {
    try {
      const page = await client.rest('GET /rooms/{id}/messages', { id, after: last, limit: PAGE });
      const [first] = page.messages;
      if (first && first.seq > last + 1) throw gone(id);
      yield* page.messages;
      last = page.messages.at(-1)?.seq ?? last;
      hasMore = page.hasMore;
      backoff.failures = 0;
    } catch (error) {
      if (!(error as MadangError).retryable || client.state === 'closed') throw error;
      await new Promise((resolve) => setTimeout(resolve, backoff.next()));
    }
  }
}

const gone = (room: string) => new MadangError('RESET', `part of the log of ${room} is gone`, false);
