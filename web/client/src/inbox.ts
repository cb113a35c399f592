// The user's notifications: where the inbox stands, and how many are unread.

import type { InboxEntry, LiveInbox } from './generated.js';

export class Inbox {
  /** Behind the last entry that was given to the application. */
  position: string | undefined;
  /** Entries are dropped: they come again behind the answer to `resume`. */
  resuming = false;
  /** Whether the count is only an upper bound, until the server is asked. */
  isStale = false;
  /** What the server counted… */
  #counted = 0;
  /** …up to this entry; `undefined` once it has passed. */
  #until: string | undefined;
  /** …or up to this notification. */
  #newest = 0;
  /** Unread ones behind that, by `id`. Bounded: see {@link arrived}. */
  #since = new Set<number>();

  constructor(restored: string | undefined) {
    this.position = restored;
  }

  get unread(): number {
    return this.#counted + this.#since.size;
  }

  /** There is a new connection. Answers where the inbox has to go on, if the connection begins further ahead. */
  enter(live: LiveInbox | null | undefined): string | undefined {
    this.#counted = live?.unread ?? 0;
    this.#since.clear();
    this.isStale = this.resuming = false;
    this.position ??= live?.position;
    const isBehind = live != null && this.position !== live.position;
    this.#until = isBehind ? live.position : undefined;
    return isBehind ? this.position : undefined;
  }

  /** Takes an entry; answers whether it is to be given. */
  take(entry: InboxEntry): boolean {
    if (this.resuming) return false;
    this.position = entry.position;
    if (this.#until === undefined) this.#count(entry);
    else if (this.#until === entry.position) this.#until = undefined;
    return true;
  }

  /** The server's count, of a moment when `newest` was the newest that is kept. */
  adopt(unread: number, newest: number): void {
    this.#counted = unread;
    this.#newest = newest;
    for (const id of this.#since) if (id <= newest) this.#since.delete(id);
    this.isStale = false;
  }

  #count({ change, notification, target, upTo }: InboxEntry): void {
    if (change === 'added') {
      if (notification && notification.readAt == null) this.#arrived(notification.id);
    } else if (target != null) {
      const isMeant = (id: number) => (upTo ? id <= target : id === target);
      const meant = [...this.#since].filter(isMeant);
      meant.forEach((id) => this.#since.delete(id));
      // What the server counted is older than what has come since.
      if (upTo && meant.length > 0) this.#counted = 0;
      else if (meant.length === 0 && this.#counted > 0) this.isStale = true;
    }
  }

  #arrived(id: number): void {
    if (id <= this.#newest) return;
    if (this.#since.size >= 500) {
      this.#counted = this.unread;
      this.#since.clear();
    }
    this.#since.add(id);
  }
}
