// How long to wait before the next try.

export interface BackoffOptions {
  /** The first wait is at most so long, each further one at most twice the one before. Default 500. */
  baseMs?: number;
  /** No wait is longer. Default 30,000. */
  capMs?: number;
}

/** Doubling waits with full jitter: any time from 0 to the bound, so that many clients do not come at once. */
export class Backoff {
  /** Since the last success. */
  failures = 0;
  readonly #base: number;
  readonly #cap: number;

  constructor({ baseMs = 500, capMs = 30_000 }: BackoffOptions = {}) {
    this.#base = baseMs;
    this.#cap = capMs;
  }

  /** The wait after one more failure, in milliseconds. */
  next(): number {
    const bound = Math.min(this.#cap, this.#base * 2 ** this.failures);
    this.failures += 1;
    return Math.random() * bound;
  }
}
