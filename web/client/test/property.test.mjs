// Whatever a server does within its promises, and wherever connections are cut: no loss, no repeat, in order.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { MadangClient } from '../dist/index.js';
import { settle } from './fakes.mjs';
import { ModelServer, randomFrom } from './model.mjs';

const SEEDS = Number(process.env.SEEDS ?? 60);
const FIRST = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const STEPS = 400;
const ROOMS = ['a', 'b', 'c'];

/** What an application sees, and whether it is what it was promised. */
class Witness {
  given = new Map(ROOMS.map((id) => [id, []]));
  resets = new Map(ROOMS.map((id) => [id, []]));
  replaced = new Map();

  watch(client) {
    client.on('message', ({ roomId, seq }, outgoing) => {
      this.given.get(roomId).push(seq);
      if (outgoing) this.replaced.set(outgoing, (this.replaced.get(outgoing) ?? 0) + 1);
    });
    client.on('reset', ({ room, oldestSeq }) => this.resets.get(room).push(oldestSeq));
    // The model keeps its promises: whoever finds that it does not has not kept theirs.
    client.on('error', (error) => (this.fault ??= error.code === 'PROTOCOL' ? error : undefined));
  }

  check(server, sent) {
    assert.ifError(this.fault);
    for (const [id, resets] of this.resets) {
      assert.deepEqual(resets, [...new Set(resets)].sort((one, other) => one - other), `${id}: each told once`);
    }
    for (const [id, seqs] of this.given) {
      const { log, oldest } = server.rooms.get(id);
      const gone = new Set(this.resets.get(id));
      let expected = 1;
      for (const seq of seqs) {
        assert.ok(seq === expected || (seq > expected && gone.has(seq)), `${id}: ${seq} after ${expected - 1}`);
        expected = seq + 1;
      }
      if (oldest <= log.length) assert.equal(expected, log.length + 1, `${id}: all up to the last`);
      const mine = sent.filter(({ room }) => room === id);
      const own = log.filter(({ sender }) => sender.id === 'kim').map(({ clientId }) => clientId);
      assert.deepEqual(own, mine.map(({ clientId }) => clientId), `${id}: each stored once, in the order of sending`);
    }
    for (const outgoing of sent) {
      assert.equal(outgoing.state, 'settled');
      const swept = server.rooms.get(outgoing.room).oldest > outgoing.seq;
      const times = this.replaced.get(outgoing) ?? 0;
      assert.ok(times === 1 || (times === 0 && swept), `replaced ${times} times`);
    }
  }
}

/** Good for a few seconds of the test's clock, so that connections are renewed under way. */
const token = () => {
  const iat = Math.floor(Date.now() / 1000);
  return `.${Buffer.from(JSON.stringify({ iat, exp: iat + 2, jti: Math.random() })).toString('base64url')}.`;
};

async function play(seed) {
  const random = randomFrom(seed);
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  mock.method(Math, 'random', random.next);
  const server = new ModelServer(random, ROOMS);
  const witness = new Witness();
  const sent = [];
  let client;
  const start = (positions) => {
    const backoff = { baseMs: 50, capMs: 500 };
    const options = { url: 'http://model.test', token, WebSocket: server.Socket, backoff };
    client = new MadangClient(positions ? { ...options, positions } : options);
    witness.watch(client);
    void client.connect();
  };
  const open = () => server.connections.filter(({ isOpen }) => isOpen);
  const actions = [
    [60, () => pick(open())?.step()],
    [12, () => server.post(pick(ROOMS), 'lee', 'theirs')],
    [12, () => sent.push(client.send(pick(ROOMS), { text: `mine ${sent.length}` }))],
    [4, () => pick(open())?.cut()],
    [1, () => server.sweep(pick(ROOMS))],
    [10, () => mock.timers.tick(random.below(400))],
  ];
  const pick = (items) => items[random.below(items.length)];
  const total = actions.reduce((sum, [weight]) => sum + weight, 0);
  const act = () => {
    let left = random.below(total);
    actions.find(([weight]) => (left -= weight) < 0)[1]();
  };
  start();
  // Everything that is in the logs is to be given: they are empty until the first greeting.
  while (client.state !== 'open') {
    open().forEach((connection) => connection.step());
    await settle();
  }
  for (let step = 0; step < STEPS; step += 1) {
    act();
    await settle();
  }
  // A last message each makes what retention took visible; then it is quiet.
  ROOMS.forEach((id) => server.post(id, 'lee', 'last'));
  for (let quiet = 0; quiet < 3; ) {
    open().forEach((connection) => connection.step());
    mock.timers.tick(20);
    await settle();
    const isDone = client.state === 'open' && open().every(({ isIdle }) => isIdle) && client.outgoing().length === 0;
    quiet = isDone ? quiet + 1 : 0;
  }
  witness.check(server, sent);
  client.close();
  mock.restoreAll();
  mock.timers.reset();
}

test(`no loss, no repeat, in order, over cuts at any byte (SEED=${FIRST} SEEDS=${SEEDS})`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    try {
      await play(seed);
    } catch (error) {
      error.message = `SEED=${seed} SEEDS=1 node --test test/property.test.mjs: ${error.message}`;
      throw error;
    }
  }
});
