// A TCP proxy that cuts connections at bytes that a seed chooses.
import { createServer, connect } from 'node:net';

/** Numbers from a seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (bound) => Math.floor(next() * bound), chance: (part) => next() < part };
}

export class CuttingProxy {
  /** Connections are cut while this is set. */
  isCutting = false;
  cuts = 0;
  #pairs = new Set();

  /** `target` is a URL. */
  constructor(target, random) {
    const { hostname, port } = new URL(target);
    this.server = createServer((near) => {
      const far = connect(Number(port), hostname);
      const pair = [near, far];
      this.#pairs.add(pair);
      const end = () => {
        this.#pairs.delete(pair);
        pair.forEach((socket) => socket.destroy());
      };
      const cut = () => {
        this.cuts += 1;
        // To one side it is as if the other had gone without a word.
        if (random.chance(0.5)) near.resetAndDestroy();
        end();
      };
      // Some live until their token expires.
      const lives = random.chance(0.3);
      this.#carry(near, far, lives ? Infinity : random.below(6_000), cut);
      this.#carry(far, near, lives ? Infinity : random.below(120_000), cut);
      for (const socket of pair) {
        socket.setNoDelay(true);
        socket.on('error', end).on('close', end);
      }
    });
  }

  #carry(from, to, budget, cut) {
    let left = budget;
    from.on('data', (bytes) => {
      if (!this.isCutting || bytes.length <= left) {
        left -= this.isCutting ? bytes.length : 0;
        // Backpressure: a proxy that buffers would hide it.
        if (!to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
        return;
      }
      to.write(bytes.subarray(0, left), cut);
      from.pause();
    });
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  close() {
    this.server.close();
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy());
  }
}
