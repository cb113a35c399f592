// Where WebSockets are blocked: server-sent events (docs/events.md) by `fetch`, which can name the caller as
// EventSource cannot, and commands over REST, whose answers look as those of the JSON door.

import { EventParser } from './event-parser.js';
import { MadangError, isOfToken, refused, unreachable } from './errors.js';
import type { Connection, Handlers, Transport } from './connection.js';
import type { Accepted, ClientCommand, CommandEdit, CommandSend, ErrorCode, Message, ServerEvent } from './generated.js';
import { problem, type Rest } from './rest.js';

/** A comment comes every 15 s: after so long a silence the stream is given up. */
const SILENCE_MS = 40_000;

export interface StreamOptions {
  base: string;
  fetch: typeof fetch;
  rest: Rest;
  /** The `id` of the last event that was received. */
  lastEventId: () => string | undefined;
}

export const streamTransport = (options: StreamOptions): Transport => ({
  resumes: false,
  dial: (token, handlers) => new Stream(options, token, handlers),
});

class Stream implements Connection {
  readonly #options: StreamOptions;
  readonly #handlers: Handlers;
  readonly #abort = new AbortController();
  #watch: ReturnType<typeof setTimeout> | undefined;

  constructor(options: StreamOptions, token: string | undefined, handlers: Handlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#receive(token).catch((cause: unknown) => this.#end(unreachable(cause)));
  }

  say(command: ClientCommand): void {
    const id = command.id as string;
    this.#carryOut(command).then(
      (answer) => answer && this.#tell({ type: 'ack', id, ...answer }),
      (error: MadangError) => {
        if (isOfToken(error)) return this.#end(error);
        const { code, message, retryable } = error;
        this.#tell({ type: 'error', id, error: { code: code as ErrorCode, message, retryable } });
      },
    );
  }

  probe(): void {
    // Nothing can be asked over it; the next comment is never far.
  }

  close(): void {
    clearTimeout(this.#watch);
    this.#abort.abort();
  }

  async #receive(token: string | undefined): Promise<void> {
    const { base, fetch, lastEventId } = this.#options;
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (token !== undefined) headers['Authorization'] = `Bearer ${token}`;
    const last = lastEventId();
    if (last !== undefined) headers['Last-Event-ID'] = last;
    const response = await fetch(`${base}/api/v1/events`, {
      headers,
      cache: 'no-store',
      signal: this.#abort.signal,
      credentials: token === undefined ? 'include' : 'same-origin',
    });
    if (!response.ok || !response.body) return this.#end(await problem(response));
    let error: MadangError | undefined;
    const parser = new EventParser((data, id) => {
      const event: ServerEvent = JSON.parse(data);
      if (event.type === 'error') error = refused(event.error);
      else this.#tell(event, id);
    });
    const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      this.#watchFor();
      const { done, value } = await text.read();
      if (done) return this.#end(error ?? unreachable());
      parser.push(value);
    }
  }

  #watchFor(): void {
    clearTimeout(this.#watch);
    const silent = () => this.#end(new MadangError('TIMED_OUT', 'the server is silent', true));
    this.#watch = setTimeout(silent, SILENCE_MS);
  }

  #tell(event: ServerEvent, id?: string): void {
    if (!this.#abort.signal.aborted) this.#handlers.onEvent(event, id);
  }

  #end(error: MadangError): void {
    if (this.#abort.signal.aborted) return;
    this.close();
    this.#handlers.onEnd({ error });
  }

  /** What the JSON door would answer; `undefined` where the entry itself, which the stream brings, is the answer. */
  async #carryOut(command: ClientCommand): Promise<Partial<Accepted> | undefined> {
    const { rest } = this.#options;
    const id = 'room' in command ? command.room : '';
    switch (command.type) {
      case 'send':
        return accepted(await rest.call('POST /rooms/{id}/messages', { id }, content(command)));
      case 'edit':
        await rest.call('PATCH /rooms/{id}/messages/{seq}', { id, seq: command.seq }, content(command));
        return undefined;
      case 'delete': {
        const { seq, clientId } = command;
        await rest.call('DELETE /rooms/{id}/messages/{seq}', { id, seq, clientId: clientId as string });
        return undefined;
      }
      case 'join':
        await rest.call('POST /rooms/{id}/join', { id });
        return {};
      case 'leave':
        await rest.call('POST /rooms/{id}/leave', { id });
        return {};
      case 'read':
        await rest.call('PUT /rooms/{id}/read', { id }, { position: command.position });
        return {};
      default:
        throw new MadangError('UNSUPPORTED', `${command.type} needs a WebSocket`, false);
    }
  }
}

/** What of a command is the request's body. */
const content = ({ text, data, clientId }: CommandSend | CommandEdit) => ({
  ...(text == null ? {} : { text }),
  ...(data === undefined ? {} : { data }),
  ...(clientId == null ? {} : { clientId }),
});

const accepted = ({ roomId: room, seq, position, messageId, sentAt }: Message): Accepted => ({
  room,
  seq,
  position,
  messageId,
  sentAt,
});
