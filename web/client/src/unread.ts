// How many messages of a room are unread, kept right between the server's own counts.

/** Numbers that are remembered one by one; a room with more unread ones asks the server when it is read in part. */
const REMEMBERED_MAX = 500;

export class Unread {
  /** Up to where the user has read. Only rises. */
  readSeq = 0;
  /** Whether the count is only an upper bound, until the server is asked. */
  stale = false;
  /** What the server counted… */
  #counted = 0;
  /** …up to this number. */
  #asOf = 0;
  /** Unread ones behind that, in rising order. */
  #since: number[] = [];

  get count(): number {
    return this.#counted + this.#since.length;
  }

  /** The server's count of all up to `asOf`, for somebody who has read up to `readSeq`. */
  adopt(count: number, readSeq: number, asOf: number): void {
    const mark = Math.max(this.readSeq, readSeq);
    this.#counted = count;
    this.#asOf = asOf;
    this.#since = this.#since.filter((seq) => seq > asOf);
    this.readSeq = readSeq;
    this.stale = false;
    this.read(mark);
  }

  /** There is a message of somebody else. */
  arrived(seq: number): void {
    if (seq <= this.#asOf || seq <= this.readSeq) return;
    if (this.#since.length === REMEMBERED_MAX) {
      this.#counted = this.count;
      this.#asOf = seq - 1;
      this.#since = [];
    }
    this.#since.push(seq);
  }

  /** The user has read up to there. Answers whether that is news. */
  read(seq: number): boolean {
    if (seq <= this.readSeq) return false;
    this.readSeq = seq;
    this.#since = this.#since.filter((one) => one > seq);
    const left = Math.max(0, this.#asOf - seq);
    this.stale = this.#counted > 0 && left > 0;
    this.#counted = Math.min(this.#counted, left);
    return true;
  }
}
