// The user's rooms: where each stands in its log, so that every entry is given once and in order, and how much of
// it is unread.

import type { EventReset, LiveRoom, Message, OwnRoom, Room } from './generated.js';
import { Unread } from './unread.js';

/** Where somebody is in a room's log: behind the last message that was given to the application. */
export interface Place {
  /** Opaque; what `resume` takes. */
  position: string;
  /** The message's number, if it is known. */
  seq?: number;
}

/** A room as it stands. */
export type RoomView = LiveRoom & {
  /** Messages of others that the user has not read. */
  unread: number;
  /** Up to where the user has read. */
  readSeq: number;
};

/** What is to be done with a message. */
export type Verdict = 'give' | 'drop' | 'hole';

/** What a new connection finds. */
export interface Entered {
  /** Rooms that were not known. */
  joined: LiveRoom[];
  /** Rooms that are not the user's any more. */
  left: string[];
  /** Rooms that the connection does not show, and that cannot be asked for. */
  hidden: string[];
  /** Rooms that go on from here though something is missing before. */
  cut: LiveRoom[];
  /** Where rooms have to go on that begin further ahead on the connection. */
  behind: Record<string, string>;
}

interface Entry {
  info: LiveRoom;
  place: Place;
  unread: Unread;
  /** Messages are dropped: they come again behind the answer to `resume`. */
  resuming: boolean;
  /** The oldest message of the last reset, until one is given. */
  resetTo: string | undefined;
}

export class Rooms {
  readonly #entries = new Map<string, Entry>();
  /** Of rooms that are not known yet. */
  #restored: Map<string, Place>;
  /** Known ones that the connection does not show until they are asked for. */
  readonly #awaited = new Map<string, Place>();
  #isLost = false;

  constructor(restored: Readonly<Record<string, Place>>) {
    this.#restored = new Map(Object.entries(restored));
  }

  /** Where each room stands, also before the first connection. */
  places(): Record<string, Place> {
    const entries = [...this.#entries].map(([id, { place }]) => [id, { ...place }] as const);
    return Object.fromEntries([...this.#restored, ...this.#awaited, ...entries]);
  }

  list(): RoomView[] {
    return [...this.#entries.values()].map(view);
  }

  get(id: string): RoomView | undefined {
    const entry = this.#entries.get(id);
    return entry && view(entry);
  }

  get unread(): number {
    return [...this.#entries.values()].reduce((sum, { unread }) => sum + unread.count, 0);
  }

  /** Whether nothing is known of any room. */
  get isEmpty(): boolean {
    return this.#entries.size + this.#restored.size === 0;
  }

  /** Whether the server has to be asked how many messages are unread. */
  get isStale(): boolean {
    return [...this.#entries.values()].some(({ unread }) => unread.stale);
  }

  /** The number of the last message that was given; 0 when it is not known. */
  lastSeq(id: string): number {
    return this.#entries.get(id)?.place.seq ?? 0;
  }

  /**
   * There is a new connection, with these rooms. Those of which a place is known keep it, if they `canResume`. Of
   * others that are known, `absent` says what they are: gone, to be asked for, or not to be had.
   */
  enter(rooms: readonly LiveRoom[], canResume: boolean, absent: 'left' | 'behind' | 'hidden'): Entered {
    const here = new Set(rooms.map(({ id }) => id));
    const known = new Map([...this.#restored, ...[...this.#entries].map(([id, { place }]) => [id, place] as const)]);
    const entered: Entered = { joined: [], left: [], hidden: [], cut: [], behind: {} };
    this.#awaited.clear();
    for (const [id, place] of known) {
      if (here.has(id)) continue;
      if (absent === 'behind' && !this.#isLost) {
        entered.behind[id] = place.position;
        this.#awaited.set(id, place);
        continue;
      }
      entered[absent === 'left' ? 'left' : 'hidden'].push(id);
      this.leave(id);
    }
    for (const room of rooms) {
      let place = known.get(room.id);
      const isBehind = place !== undefined && place.position !== room.position;
      if (!place) entered.joined.push(room);
      else if (isBehind && canResume && !this.#isLost) entered.behind[room.id] = place.position;
      else if (isBehind) {
        entered.cut.push(room);
        place = undefined;
      }
      this.#put(room, place ?? beginning(room));
    }
    this.#restored.clear();
    this.#isLost = false;
    return entered;
  }

  /** A room came during the connection. Answers whether it is news: not where it was asked for. */
  join(room: LiveRoom): boolean {
    const place = this.#awaited.get(room.id);
    this.#put(room, place ?? beginning(room), place !== undefined);
    return !this.#awaited.delete(room.id);
  }

  /** Whether the room was asked for and has not come yet. */
  awaits(id: string): boolean {
    return this.#awaited.has(id);
  }

  leave(id: string): void {
    for (const known of [this.#restored, this.#awaited, this.#entries]) known.delete(id);
  }

  /** The room as it stands; its place is another matter. */
  change(room: Room): void {
    const entry = this.#entries.get(room.id);
    if (!entry) return;
    const { head, memberCount } = entry.info;
    // It may have been read before what has come since.
    const isOld = room.head.lastSeq < head.lastSeq;
    entry.info = { ...entry.info, ...room, ...(isOld ? { head, memberCount } : {}) };
  }

  /** Whether these rooms drop what comes. */
  setResuming(ids: Iterable<string>, resuming: boolean): void {
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry) entry.resuming = resuming;
    }
  }

  /** The server does not take places: on the next connection rooms go on from where that begins. */
  losePlaces(): void {
    this.#isLost = true;
  }

  /** Judges a message, and moves on behind one that is to be given. */
  take({ roomId, seq, position }: Message): Verdict {
    const entry = this.#entries.get(roomId);
    if (!entry || entry.resuming) return 'drop';
    const { place } = entry;
    if (place.seq !== undefined && seq <= place.seq) return 'drop';
    if (place.seq !== undefined && seq > place.seq + 1) return 'hole';
    entry.place = { position, seq };
    entry.resetTo = undefined;
    return 'give';
  }

  /** Counts a message that is given. Answers whether the room has to be read anew. */
  count(message: Message, isOwn: boolean): boolean {
    const entry = this.#entries.get(message.roomId);
    if (!entry) return false;
    const { type, seq, position, subjects } = message;
    if (type === 'message' && !isOwn) entry.unread.arrived(seq);
    const { info } = entry;
    // What came before is in what the server said of the room.
    if (seq <= info.head.lastSeq) return false;
    const people = subjects?.length ?? 0;
    const come = type === 'joined' || type === 'added' ? people : type === 'left' || type === 'removed' ? -people : 0;
    entry.info = {
      ...info,
      memberCount: info.memberCount + come,
      head: { ...info.head, position, lastSeq: seq },
    };
    return type === 'roomChanged';
  }

  /** A part of what was asked for is gone. Answers whether that is news. */
  reset(event: EventReset): boolean {
    const entry = event.room === undefined ? undefined : this.#entries.get(event.room);
    if (!entry || entry.resuming || entry.resetTo === event.oldest) return false;
    entry.resetTo = event.oldest;
    // Told again after each cut until there is something to go on from.
    const isEmpty = event.oldestSeq > event.lastSeq;
    const { position } = entry.place;
    entry.place = isEmpty ? { position: event.head, seq: event.lastSeq } : { position, seq: event.oldestSeq - 1 };
    return true;
  }

  /** The user has read up to there. Answers whether that is news. */
  read(id: string, seq: number): boolean {
    return this.#entries.get(id)?.unread.read(seq) ?? false;
  }

  /** What the server counted. */
  adopt({ id, unread, readSeq, head }: OwnRoom): void {
    this.#entries.get(id)?.unread.adopt(unread, readSeq, head.lastSeq);
  }

  #put(info: LiveRoom, place: Place, resuming = false): void {
    const known = this.#entries.get(info.id);
    const isSameLife = known?.info.createdAt === info.createdAt;
    const unread = isSameLife ? known.unread : new Unread();
    if (info.unread == null || info.readSeq == null) unread.stale = true;
    else unread.adopt(info.unread, info.readSeq, info.head.lastSeq);
    const resetTo = known?.place === place ? known.resetTo : undefined;
    this.#entries.set(info.id, { info, place, unread, resuming, resetTo });
  }
}

/** Where a room begins that is new. */
function beginning({ position, head }: LiveRoom): Place {
  return position === head.position ? { position, seq: head.lastSeq } : { position };
}

const view = ({ info, unread }: Entry): RoomView => ({ ...info, unread: unread.count, readSeq: unread.readSeq });
