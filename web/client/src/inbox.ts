// The user's notifications: where the inbox stands, and how many are unread.

import type { EventReset, InboxEntry, LiveInbox } from './generated.js';

export class Inbox {
  /** Behind the last entry that was given to the application; `null`: there was none yet, nor an inbox. */
  position: string | null | undefined;
  /** Entries are dropped: they come again behind the answer to `resume`. */
  resuming = false;
  /** Whether the count is only an upper bound, until the server is asked. */
  isStale = false;
  /** What the server counted… */
  #counted = 0;
  /** The oldest entry of the last reset, until one is given. */
  #resetTo: string | undefined;
  /** …up to this notification. */
  #asOf = 0;
  /** Unread ones behind that, by `id`. Bounded: see {@link #arrived}. */
  #since = new Set<number>();

  constructor(restored: string | null | undefined) {
    this.position = restored;
  }

  get unread(): number {
    return this.#counted + this.#since.size;
  }

  /**
   * There is a new connection. Answers where the inbox has to go on, if the connection begins further ahead; `null`
   * is its beginning.
   */
  enter(live: LiveInbox | null | undefined): string | null | undefined {
    this.resuming = false;
    this.adopt(live?.unread ?? 0, live?.lastSeq ?? 0);
    if (this.position === undefined) this.position = live?.position ?? null;
    return live && this.position !== live.position ? this.position : undefined;
  }

  /** Takes an entry; answers whether it is to be given. */
  take(entry: InboxEntry): boolean {
    if (this.resuming) return false;
    this.position = entry.position;
    this.#resetTo = undefined;
    this.#count(entry);
    return true;
  }

  /** Entries are gone that were to be given. Answers whether that is news. */
  reset({ oldest, head, oldestSeq, lastSeq }: EventReset): boolean {
    if (this.resuming || this.#resetTo === oldest) return false;
    this.#resetTo = oldest;
    // Told again after each cut until there is something to go on from.
    if (oldestSeq > lastSeq) this.position = head;
    this.isStale = true;
    return true;
  }

  /** The server's count of all notifications up to one. */
  adopt(unread: number, asOf: number): void {
    this.#counted = unread;
    this.#asOf = asOf;
    for (const id of this.#since) if (id <= asOf) this.#since.delete(id);
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
    if (id <= this.#asOf) return;
    if (this.#since.size >= 500) {
      this.#counted = this.unread;
      this.#since.clear();
    }
    this.#since.add(id);
  }
}
