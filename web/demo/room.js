"use strict";

/**
 * One room as this window knows it: a copy of part of its log, the position up to which it is
 * complete, and what was written here and is not yet known to be stored.
 */
class Room {
  constructor(id, me) {
    this.id = id;
    this.me = me;
    /** seq → message; without holes from the first to the last. */
    this.messages = new Map();
    /** clientId → {text, received, error}; sent again after each reconnect until it is refused or
     *  has come back in the log. */
    this.pending = new Map();
    /** Where to resume: everything before it has been seen. */
    this.position = null;
    this.hasOlder = false;
    this.lastSeq = 0;
  }

  /** Begins anew with the newest page; what was known before may have been of a deleted room. */
  reset(page) {
    this.messages.clear();
    this.lastSeq = 0;
    for (const message of page.messages) this.accept(message);
    this.position = page.head.position;
    this.lastSeq = page.head.lastSeq;
    this.hasOlder = page.hasMore;
  }

  addOlder(page) {
    const newer = [...this.messages.values()];
    this.messages = new Map(page.messages.map((message) => [message.seq, message]));
    for (const message of newer) this.messages.set(message.seq, message);
    this.hasOlder = page.hasMore;
  }

  /** Takes a message of the log; one that is known changes nothing. */
  accept(message) {
    this.settle(message);
    if (message.seq <= this.lastSeq) return false;
    this.messages.set(message.seq, message);
    this.lastSeq = message.seq;
    this.position = message.position;
    return true;
  }

  /** What was pending is stored. */
  settle(message) {
    if (message.clientId && message.sender.id === this.me.userId) {
      this.pending.delete(message.clientId);
    }
  }

  get oldestSeq() {
    const first = this.messages.keys().next();
    return first.done ? null : first.value;
  }

  draw(list) {
    const items = [...this.messages.values()].map((message) => this.item(message));
    for (const draft of this.pending.values()) {
      const note = draft.error ?? (draft.received ? "" : "sending…");
      items.push(bubble(draft.text, note, draft.received ? "mine" : "mine pending"));
    }
    list.replaceChildren(...items);
  }

  item(message) {
    const mine = message.sender.id === this.me.userId;
    const time = new Date(message.sentAt).toLocaleTimeString();
    return bubble(message.text, mine ? time : `${message.sender.name} · ${time}`, mine ? "mine" : "");
  }
}

function bubble(text, note, kind) {
  const item = document.createElement("li");
  item.className = kind;
  item.append(text);
  const small = document.createElement("small");
  small.textContent = note;
  item.append(small);
  return item;
}
