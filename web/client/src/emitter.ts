// Typed events.

type Listener = (...values: any[]) => void;

/** Calls listeners in the order in which they came. One that throws stops no other, and nothing of the client. */
export class Emitter<Events extends { [Name in keyof Events]: unknown[] }> {
  readonly #listeners = new Map<keyof Events, Set<Listener>>();

  /**
   * Calls `listener` at each such event from now on. Answers a function that ends this, as does `signal`.
   */
  on<Name extends keyof Events>(
    name: Name,
    listener: (...values: Events[Name]) => void,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    const off = () => {
      listeners.delete(listener);
      signal?.removeEventListener('abort', off);
    };
    if (signal?.aborted) return off;
    listeners.add(listener);
    signal?.addEventListener('abort', off);
    return off;
  }

  protected emit<Name extends keyof Events>(name: Name, ...values: Events[Name]): void {
    // A copy: listeners may come and go meanwhile.
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(...values);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
