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
    for (const message of page.messages) {
      this.settle(message);
      this.messages.set(message.seq, message);
    }
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

  /** Takes an entry of the log; one that is known changes nothing. */
  accept(message) {
    this.settle(message);
    if (message.seq <= this.lastSeq) return false;
    this.revise(message);
    this.messages.set(message.seq, message);
    this.lastSeq = message.seq;
    this.position = message.position;
    return true;
  }

  /** An edit or a deletion changes an earlier message, where this window has it. A page that is read
   *  shows messages as they are by then. */
  revise({ type, target, text, data, sentAt }) {
    const earlier = this.messages.get(target);
    if (!earlier) return;
    if (type === "edited" && (text ?? data) !== undefined) {
      this.messages.set(target, { ...earlier, text, data, editedAt: sentAt });
    }
    if (type === "deleted") {
      this.messages.set(target, { ...earlier, text: undefined, data: undefined, deletedAt: sentAt });
    }
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
    const shown = [...this.messages.values()].filter(({ type }) => !REVISIONS.has(type));
    const items = shown.map((message) => this.item(message));
    for (const draft of this.pending.values()) {
      const note = draft.error ?? (draft.received ? "" : "sending…");
      items.push(bubble(draft.text, note, draft.received ? "mine" : "mine pending"));
    }
    list.replaceChildren(...items);
  }

  item(message) {
    const time = new Date(message.sentAt).toLocaleTimeString();
    if (message.type !== "message") return bubble(eventText(message), time, "event");
    const mine = message.sender.id === this.me.userId;
    const text = message.deletedAt ? "(deleted)" : (message.text ?? JSON.stringify(message.data));
    const note = [mine ? null : message.sender.name, time, message.editedAt ? "edited" : null];
    return bubble(text, note.filter(Boolean).join(" · "), mine ? "mine" : "");
  }
}

/** Entries that change what is shown of another one. */
const REVISIONS = new Set(["edited", "deleted"]);

const EVENTS = {
  joined: "came in",
  added: "added",
  left: "left",
  removed: "removed",
  roleChanged: "changed the role of",
  roomChanged: "changed the room",
  waiting: "waits for an agent",
  assigned: "has taken over",
  released: "gave the room back",
  handedOver: "handed the room over to",
  completed: "completed the conversation",
};

/** What happened, for the people in the room. */
function eventText({ type, sender, subjects, text }) {
  if (type === "notice") return text ?? "";
  const others = (subjects ?? []).filter(({ id }) => id !== sender.id).map(({ name }) => name);
  return [sender.name, EVENTS[type] ?? type, others.join(", ")].filter(Boolean).join(" ");
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
