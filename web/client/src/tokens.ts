// The application's tokens: asked for, kept while they are good, and read for how long that is.

import { MadangError } from './errors.js';

/** Why a token is asked for: `expiring` and `refused` ask for one that is not the last. */
export type TokenReason = 'connect' | 'expiring' | 'refused';

export type TokenFunction = (reason: TokenReason) => string | Promise<string>;

export class Tokens {
  /** The last that was given; `undefined` where a cookie says who it is. */
  current: string | undefined;
  readonly #ask: TokenFunction | undefined;
  #asking: Promise<string> | undefined;

  constructor(ask: TokenFunction | undefined) {
    this.#ask = ask;
  }

  /** A token as the application has it now. Those who ask at the same time get the same. */
  async fetch(reason: TokenReason): Promise<string | undefined> {
    const ask = this.#ask;
    if (!ask) return undefined;
    this.#asking ??= (async () => ask(reason))();
    try {
      this.current = await this.#asking;
      return this.current;
    } catch (cause) {
      if (cause instanceof MadangError) throw cause;
      throw new MadangError('TOKEN_UNAVAILABLE', 'the token function failed', true, { cause });
    } finally {
      this.#asking = undefined;
    }
  }
}

/**
 * How long a JSON Web Token is good for, in milliseconds, as this machine's clock has it; `undefined` when the
 * token does not say. A clock that makes a token older or newer than it can be is not believed.
 */
export function lifetime(token: string | undefined): number | undefined {
  try {
    const payload = (token as string).split('.')[1] as string;
    const { exp, iat } = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    if (typeof exp !== 'number') return undefined;
    const whole = typeof iat === 'number' ? (exp - iat) * 1000 : Infinity;
    const left = exp * 1000 - Date.now();
    const life = left > 0 ? Math.min(left, whole) : whole;
    return Number.isFinite(life) ? life : undefined;
  } catch {
    return undefined;
  }
}
