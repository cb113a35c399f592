// Several people in several rooms, each with a client of their own, over connections that are cut all the time.
// Runs in Node and in a page: nothing of either is used here. What is wrong at the end is thrown.

const MESSAGES = 200;
/** Of one person in one room, under way at once. */
const AT_ONCE = 6;
const PATIENCE_MS = 30_000;

const fail = (text) => {
  throw new Error(text);
};
const check = (holds, text) => holds || fail(text);
const same = (one, other, text) => {
  const [left, right] = [one, other].map((value) => JSON.stringify(value));
  check(left === right, `${text}: ${left.slice(0, 300)} is not ${right.slice(0, 300)}`);
};

/** One person, and all that their application has seen over any number of clients. */
class Person {
  /** By room: its entries in the order in which they were given. */
  seen = new Map();
  sent = [];
  revisions = [];
  replaced = new Map();
  states = new Map();
  errors = new Map();
  tokens = new Map();

  constructor(name, world, options) {
    Object.assign(this, { name, world, options });
    this.start();
  }

  start(positions) {
    const { url, MadangClient, token } = this.world;
    const count = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);
    const client = new MadangClient({
      url,
      token: (reason) => {
        count(this.tokens, reason);
        return token(this.name);
      },
      backoff: { baseMs: 20, capMs: 300 },
      restartWindowMs: 200,
      ...this.options,
      ...(positions ? { positions } : {}),
    });
    client.on('state', (state) => count(this.states, state));
    client.on('error', ({ code }) => count(this.errors, code));
    client.on('message', (message, outgoing) => {
      const seen = this.seen.get(message.roomId) ?? [];
      this.seen.set(message.roomId, seen);
      seen.push(message);
      if (outgoing) count(this.replaced, outgoing.clientId);
    });
    client.on('reset', ({ room }) => (this.fault ??= `${room} was reset`));
    this.client = client;
    return client.connect();
  }

  /** The page is loaded anew: what was not answered is sent by the next client. */
  async reload() {
    const { client } = this;
    const positions = JSON.parse(JSON.stringify(client.positions()));
    const unsent = client.outgoing().map(({ command, clientId }) => ({ command, clientId }));
    client.close();
    const started = this.start(positions);
    for (const { command, clientId } of unsent) {
      const again = this.client.send(command.room, { text: command.text, clientId });
      const entry = this.sent.find((one) => one.clientId === clientId);
      entry.settle(again);
    }
    await started;
  }

  /** Resolves once the message is durable, by whatever client. */
  say(room, text) {
    const outgoing = this.client.send(room, { text });
    const entry = { room, clientId: outgoing.clientId };
    entry.accepted = new Promise((resolve, reject) => {
      entry.settle = ({ accepted }) =>
        accepted.then(resolve, (error) => error.code === 'CLOSED' || reject(error));
    });
    entry.settle(outgoing);
    this.sent.push(entry);
    return entry.accepted;
  }

  async revise(room, { accepted }) {
    const { seq } = await accepted;
    this.revisions.push({ room, seq });
  }

  async talk(room) {
    const work = async (lane) => {
      for (let number = lane; number < MESSAGES; number += AT_ONCE) {
        const { seq } = await this.say(room, `${this.name} ${number} ${'가'.repeat(number % 100)}`);
        this.client.typing(room);
        const last = this.seen.get(room)?.at(-1);
        if (last && number % 7 === 0) this.client.markRead(room, last);
        // What was under way of these when the page is loaded anew is nobody's to send again.
        if (!this.reloads && number % 20 === 3) await this.revise(room, this.client.edit(room, seq, { text: 'edited' }));
        if (!this.reloads && number % 20 === 7) await this.revise(room, this.client.delete(room, seq));
        this.world.said();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, (_, lane) => work(lane)));
  }

  /** Resolves once the entry with this number was given. */
  hasSeen(room, seq) {
    const isThere = () => (this.seen.get(room)?.at(-1)?.seq ?? 0) >= seq;
    return this.until(isThere, 'message', `${this.name} sees ${seq} of ${room}`);
  }

  until(holds, event, what) {
    if (holds()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const { client } = this;
      const late = setTimeout(() => reject(new Error(`${this.name}: ${what}: ${JSON.stringify([...this.errors, ...this.tokens])} not in time (${client.state})`)), PATIENCE_MS);
      const off = client.on(event, () => {
        if (!holds()) return;
        off();
        clearTimeout(late);
        resolve();
      });
    });
  }
}

/** A room's whole log, as REST has it. */
async function readLog(client, id) {
  const log = [];
  for (let page; page === undefined || page.hasMore; ) {
    page = await client.rest('GET /rooms/{id}/messages', { id, after: log.length, limit: 200 });
    log.push(...page.messages);
  }
  return log;
}

function checkPerson(person, room, log) {
  const { name, seen, sent, replaced } = person;
  const entries = ({ seq, messageId, type, sender, clientId }) => [seq, messageId, type, sender.id, clientId];
  const given = seen.get(room) ?? [];
  const first = given[0]?.seq ?? 0;
  same(given.map(entries), log.slice(first - 1).map(entries), `${name} was given the log of ${room}`);
  check(first <= person.began.get(room) + 1, `${name} was given ${room} from its beginning on`);
  const mine = sent.filter((one) => one.room === room);
  const stored = log.filter(({ type, sender }) => type === 'message' && sender.id === name);
  same(stored.map(({ clientId }) => clientId), mine.map(({ clientId }) => clientId), `${name}'s own in ${room}, each once, in order`);
  const revised = log.filter(({ type, sender }) => ['edited', 'deleted'].includes(type) && sender.id === name);
  const revisions = person.revisions.filter((one) => one.room === room).map(({ seq }) => seq);
  same(revised.map(({ seq }) => seq), revisions.sort((one, other) => one - other), `${name}'s edits and deletions in ${room}`);
  for (const { clientId, at } of mine) {
    same(log[at.seq - 1].clientId, clientId, `${name} was told where it is`);
    check(replaced.get(clientId) === 1, `${name}'s ${clientId} was replaced ${replaced.get(clientId)} times`);
  }
}

/** `sockets` are the ways in which the people connect: one person for each. */
export async function tell({ sockets, names, cut, say, ...world }) {
  let told = 0;
  const total = names.length * 3 * MESSAGES;
  const moments = new Map([
    [Math.floor(total * 0.3), () => say('kill now')],
    [Math.floor(total * 0.6), () => void reload()],
  ]);
  world.said = () => moments.get((told += 1))?.();
  const people = names.map((name, index) => new Person(name, world, sockets[index]));
  const [first] = people;
  first.reloads = true;
  const reloaded = { done: Promise.resolve() };
  const reload = () => (reloaded.done = first.reload());
  await Promise.all(people.map((person) => person.until(() => person.client.state === 'open', 'state', 'open')));
  const rooms = [];
  for (const title of ['one', 'two', 'three']) {
    const { id } = await first.client.rest('POST /rooms', {}, { kind: 'group', title, members: names.slice(1) });
    rooms.push(id);
  }
  for (const person of people) {
    await person.until(() => rooms.every((id) => person.client.room(id)), 'rooms', `${person.name} has the rooms`);
    person.began = new Map(rooms.map((id) => [id, person.client.room(id).head.lastSeq]));
  }
  const late = setTimeout(() => {
    for (const { name, client, seen } of people) {
      const waiting = client.outgoing().map(({ room, state, clientId }) => [room, state, clientId]);
      say(JSON.stringify({ name, state: client.state, waiting, seen: [...seen].map(([id, all]) => [id, all.length]) }));
    }
  }, PATIENCE_MS);
  await cut(true);
  await Promise.all(people.flatMap((person) => rooms.map((room) => person.talk(room))));
  await reloaded.done;
  await cut(false);
  clearTimeout(late);
  const logs = new Map();
  for (const room of rooms) logs.set(room, await readLog(first.client, room));
  for (const person of people) {
    for (const one of person.sent) one.at = await one.accepted;
    for (const room of rooms) await person.hasSeen(room, logs.get(room).length);
    await checkUnread(person, rooms);
    for (const room of rooms) checkPerson(person, room, logs.get(room));
    same(person.client.outgoing().length, 0, `${person.name}: nothing is shown as on its way`);
    check(!person.fault, person.fault);
    check(!person.errors.has('PROTOCOL'), `${person.name} found a hole`);
  }
  const report = people.map(({ name, states, errors, tokens }) => ({
    name,
    states: Object.fromEntries(states),
    errors: Object.fromEntries(errors),
    tokens: Object.fromEntries(tokens),
  }));
  for (const { client } of people) client.close();
  return { messages: [...logs.values()].reduce((sum, log) => sum + log.length, 0), report };
}

/** What the client has counted is what the server counts, before and after all is read. */
async function checkUnread({ client, name, seen }, rooms) {
  const counted = async () => {
    const page = await client.rest('GET /rooms', { limit: 200 });
    return rooms.map((id) => page.rooms.find((room) => room.id === id).unread);
  };
  same(rooms.map((id) => client.room(id).unread), await counted(), `${name}: unread`);
  for (const id of rooms) client.markRead(id, seen.get(id).at(-1));
  same(client.unread.messages, 0, `${name} has read all`);
}
