// The main job with the server killed in the middle: a customer and two agents in stompjs, its
// own reconnecting, each coming back with `since` = the last position it has.
import assert from 'node:assert/strict';
import { Client } from 'stompjs7';
import { Inbox, run, socketUrl } from './support.mjs';

const ROOM_OWNER = 'main-job@example.com';
const ROOM = `/sub/chat/room/${ROOM_OWNER}`;

/** A page that survives: it resends what was not accepted and resumes where it was. */
class Page {
  seen = [];
  #since = undefined;
  #unaccepted = new Map();
  #next = 1;
  joined = new Inbox();
  idle = new Inbox();

  constructor(name, token) {
    this.name = name;
    this.client = new Client({
      brokerURL: socketUrl,
      connectHeaders: { Authorization: `Bearer ${token}` },
      reconnectDelay: 50,
      onConnect: () => this.#join(),
      onStompError: (frame) => this.errors.put(frame),
    });
    this.errors = new Inbox();
    this.client.activate();
  }

  #join() {
    const headers = { id: 'room', receipt: 'joined' };
    if (this.#since) headers.since = this.#since;
    this.client.watchForReceipt('joined', () => this.joined.put(this.name));
    this.client.subscribe(ROOM, (message) => this.#take(message), headers);
    for (const [id, text] of this.#unaccepted) this.#send(id, text);
  }

  #take(message) {
    assert.equal(message.headers.event, undefined, 'no reset');
    this.#since = message.headers.position;
    this.seen.push(JSON.parse(message.body).message);
  }

  #send(id, text) {
    this.client.watchForReceipt(id, () => {
      this.#unaccepted.delete(id);
      if (this.#unaccepted.size === 0) this.idle.put(this.name);
    });
    this.client.publish({
      destination: '/pub/message',
      body: JSON.stringify({ roomId: ROOM_OWNER, message: text }),
      headers: { receipt: id, 'client-id': id },
    });
  }

  say(text) {
    const id = `${this.name}-${this.#next}`;
    this.#next += 1;
    this.#unaccepted.set(id, text);
    // While it is away, stompjs refuses to send; `#join` will.
    if (this.client.connected) this.#send(id, text);
  }
}

const until = async (what, done) => {
  const deadline = Date.now() + 30_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

await run(async () => {
  const customer = new Page('customer', process.env.CUSTOMER);
  await customer.joined.take('the customer in the room');
  const lee = new Page('lee', process.env.LEE);
  await lee.joined.take('lee in the room');
  // The second agent is told that the room is taken, before and after every crash.
  const park = new Page('park', process.env.PARK);
  assert.equal((await park.errors.take('ERROR for park')).headers.code, 'CHAT-409');

  const said = [];
  const both = (number) => {
    for (const page of [customer, lee]) {
      const text = `${page.name} ${number}`;
      said.push(text);
      page.say(text);
    }
  };
  for (const round of [0, 1]) {
    for (let number = 0; number < 50; number += 1) both(round * 100 + number);
    await until('some messages', () => customer.seen.length > round * 200);
    console.log('kill now');
    for (let number = 50; number < 100; number += 1) {
      both(round * 100 + number);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await customer.joined.take('the customer back');
    await lee.joined.take('lee back');
    await until('all messages', () => customer.seen.length >= said.length && lee.seen.length >= said.length);
  }
  assert.deepEqual(customer.seen, lee.seen, 'both saw the same order');
  for (const page of [customer, lee]) {
    assert.equal(page.seen.length, said.length, 'nothing lost, nothing twice');
    assert.deepEqual([...page.seen].sort(), [...said].sort());
  }
  for (const name of ['customer', 'lee']) {
    const own = customer.seen.filter((text) => text.startsWith(`${name} `));
    assert.deepEqual(own, said.filter((text) => text.startsWith(`${name} `)), 'in the sender’s order');
  }
  assert.equal((await park.errors.take('ERROR for park again')).headers.code, 'CHAT-409');
});
