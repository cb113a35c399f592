// Work of which only the newest state counts.

/** Runs `work` one at a time; however often it is asked for meanwhile, it runs once more. */
export class Latest {
  readonly #work: () => Promise<void>;
  #isRunning = false;
  #isWanted = false;

  /** A failure of `work` is the end of that run. */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  run(): void {
    this.#isWanted = true;
    if (!this.#isRunning) void this.#go();
  }

  async #go(): Promise<void> {
    this.#isRunning = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#work().catch(() => {});
    }
    this.#isRunning = false;
  }
}
