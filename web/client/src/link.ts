// Being connected: tries until it is, again when it is not any more, and on a new connection before the token of
// the old one expires. What is said over a connection is not its concern.

import { Backoff, type BackoffOptions } from './backoff.js';
import type { Connection, End, Transport } from './connection.js';
import { MadangError, isOfToken } from './errors.js';
import type { ClientCommand, EventHello, ServerEvent } from './generated.js';
import { lifetime, type TokenReason, type Tokens } from './tokens.js';

/**
 * - `idle`: before `connect`.
 * - `connecting`: on the way to a connection on which every room has been resumed.
 * - `open`: events come, commands go.
 * - `waiting`: until the next try.
 * - `closed`: by the application, or by an error that a retry cannot help.
 */
export type State = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed';

export interface LinkOptions {
  transport: Transport;
  tokens: Tokens;
  backoff: BackoffOptions;
  /** A connection without `hello` is given up after so long. */
  connectTimeoutMs: number;
  /** A server that restarts is come back to after any part of this. */
  restartWindowMs: number;
}

export interface LinkEvents {
  onState(state: State, error?: MadangError): void;
  /** There is a new connection, also while another was open. {@link Link.opened} is called once rooms go on. */
  onHello(hello: EventHello, id: string | undefined): void;
  onEvent(event: ServerEvent, id: string | undefined): void;
  /** The connection is gone, and no other has taken its place. */
  onLost(): void;
  /** Something failed that is tried again. */
  onError(error: MadangError): void;
  /** The server does not take the positions that it was given: they are not to be given again. */
  onPositionInvalid(): void;
}

/** A connection that is being opened, or open. */
interface Attempt {
  connection?: Connection;
  token?: string | undefined;
  timer?: ReturnType<typeof setTimeout>;
}

/** Early enough that clients whose tokens are of one age do not all come at once. */
const renewalPoint = (life: number): number => life * (0.8 + 0.1 * Math.random());
const DELAY_MAX_MS = 2 ** 31 - 1;

export class Link {
  state: State = 'idle';
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #backoff: Backoff;
  /** The one whose events count. */
  #active: Attempt | undefined;
  /** The one that is being opened; with an active one it is to take its place. */
  #dialing: Attempt | undefined;
  /** Until the next try, or until the token has to be renewed. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Tokens refused one after another. */
  #refusals = 0;
  /** Failures before the present connection, if that should turn out to be one more. */
  #failuresBefore = 0;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#backoff = new Backoff(options.backoff);
  }

  start(): void {
    if (this.state !== 'idle' && this.state !== 'closed') return;
    this.#refusals = this.#backoff.failures = 0;
    void this.#dial('connect');
  }

  /** Ends it; `error` says why, if it was not asked for. */
  stop(error?: MadangError): void {
    if (this.state === 'closed') return;
    clearTimeout(this.#timer);
    for (const attempt of [this.#active, this.#dialing]) if (attempt) abandon(attempt);
    this.#active = this.#dialing = undefined;
    this.#setState('closed', error);
  }

  say(command: ClientCommand): void {
    this.#active?.connection?.say(command);
  }

  /** Every room goes on. */
  opened(): void {
    this.#failuresBefore = this.#backoff.failures;
    this.#backoff.failures = 0;
    this.#setState('open');
  }

  /** The present connection is of no use: gives it up and tries again, later each time. */
  fail(error: MadangError): void {
    const active = this.#active;
    if (!active) return;
    abandon(active);
    this.#backoff.failures = Math.max(this.#backoff.failures, this.#failuresBefore);
    this.#ended(active, { error });
  }

  /** The network or the page may be back. */
  wake(): void {
    if (this.state === 'waiting') void this.#dial('connect');
    else this.#active?.connection?.probe();
  }

  async #dial(reason: TokenReason): Promise<void> {
    const { transport, tokens, connectTimeoutMs } = this.#options;
    clearTimeout(this.#timer);
    const attempt: Attempt = (this.#dialing = {});
    const isCurrent = () => this.#dialing === attempt || this.#active === attempt;
    if (!this.#active) this.#setState('connecting');
    const tooLate = () => {
      abandon(attempt);
      this.#ended(attempt, { error: new MadangError('TIMED_OUT', 'no connection came about in time', true) });
    };
    attempt.timer = setTimeout(tooLate, connectTimeoutMs);
    try {
      attempt.token = await tokens.fetch(reason);
    } catch (error) {
      return this.#ended(attempt, { error: error as MadangError });
    }
    if (!isCurrent()) return;
    if (this.#active && reason === 'expiring' && attempt.token === this.#active.token) {
      // There is no newer one yet: the server will say when it has to be.
      abandon(attempt);
      this.#dialing = undefined;
      return;
    }
    attempt.connection = transport.dial(attempt.token, {
      onEvent: (event, id) => {
        if (this.#active === attempt) this.#events.onEvent(event, id);
        else if (this.#dialing === attempt && event.type === 'hello') this.#promote(attempt, event, id);
      },
      onEnd: (end) => this.#ended(attempt, end),
    });
  }

  /** What was active before is closed only now: no event is lost in between, as rooms are resumed. */
  #promote(attempt: Attempt, hello: EventHello, id: string | undefined): void {
    const old = this.#active;
    this.#active = attempt;
    this.#dialing = undefined;
    this.#refusals = 0;
    clearTimeout(attempt.timer);
    if (old) abandon(old);
    const life = lifetime(attempt.token);
    if (life !== undefined) this.#renewIn(renewalPoint(life));
    this.#events.onHello(hello, id);
  }

  #renewIn(ms: number): void {
    clearTimeout(this.#timer);
    const renew = () => void this.#dial('expiring');
    this.#timer = setTimeout(renew, Math.min(Math.max(ms, 1000), DELAY_MAX_MS));
  }

  #ended(attempt: Attempt, end: End): void {
    clearTimeout(attempt.timer);
    if (attempt === this.#dialing) {
      this.#dialing = undefined;
      if (!this.#active) return this.#retry(end);
      // The old connection is still good.
      this.#events.onError(end.error);
      return this.#renewIn(this.#backoff.next());
    }
    if (attempt !== this.#active) return;
    this.#active = undefined;
    clearTimeout(this.#timer);
    this.#events.onLost();
    if (this.#dialing) return this.#setState('connecting');
    this.#retry(end);
  }

  #retry({ error, code }: End): void {
    if (code === 1012) return this.#wait(Math.random() * this.#options.restartWindowMs, error);
    if (isOfToken(error)) {
      this.#refusals += 1;
      if (this.#refusals > 1) return this.stop(error);
      this.#events.onError(error);
      return void this.#dial('refused');
    }
    if (error.code === 'POSITION_INVALID') this.#events.onPositionInvalid();
    else if (!error.retryable) return this.stop(error);
    this.#wait(this.#backoff.next(), error);
  }

  #wait(ms: number, error: MadangError): void {
    this.#timer = setTimeout(() => void this.#dial('connect'), ms);
    this.#setState('waiting', error);
    this.#events.onError(error);
  }

  #setState(state: State, error?: MadangError): void {
    if (this.state === state) return;
    this.state = state;
    this.#events.onState(state, error);
  }
}

function abandon({ connection, timer }: Attempt): void {
  clearTimeout(timer);
  connection?.close();
}
