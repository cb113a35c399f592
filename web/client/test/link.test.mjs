// Being connected: tries, waits, tokens, ends.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Bench, hello, room, settle } from './fakes.mjs';

const failure = (code, retryable = false) => ({ type: 'error', error: { code, message: code, retryable } });

test('says who it is first and is open once it was greeted', async (t) => {
  const bench = new Bench(t);
  const states = bench.note('state');
  const opened = bench.client.connect();
  await settle();
  assert.equal(bench.socket.url, 'ws://madang.test/ws/v1');
  assert.deepEqual(bench.socket.protocols, ['madang.v1.json']);
  bench.socket.open();
  assert.deepEqual(bench.socket.said, [{ type: 'auth', token: 'token 1' }]);
  bench.socket.tell(hello(room('a')));
  await opened;
  assert.deepEqual(states, ['connecting', 'open']);
  assert.equal(bench.client.user, 'kim');
  assert.deepEqual(bench.client.rooms.map(({ id }) => id), ['a']);
});

test('waits longer each time, any part of twice the wait before, up to a cap, and from the start after a success', async (t) => {
  const bench = new Bench(t, { backoff: { baseMs: 100, capMs: 1000 } });
  const random = mock.method(Math, 'random', () => 0.999999);
  void bench.client.connect();
  await settle();
  const fails = async (ms) => {
    const tries = bench.sockets.length;
    bench.socket.cut();
    assert.equal(bench.client.state, 'waiting');
    await bench.pass(ms - 1);
    assert.equal(bench.sockets.length, tries, `no try before ${ms} ms`);
    await bench.pass(1);
    assert.equal(bench.sockets.length, tries + 1, `a try after ${ms} ms`);
  };
  for (const ms of [100, 200, 400, 800, 1000, 1000]) await fails(ms);
  await bench.greet(room('a'));
  await fails(100);
  random.mock.mockImplementation(() => 0.25);
  await fails(50);
});

test('tries at once when the network is back', async (t) => {
  const listeners = new Map();
  globalThis.addEventListener = (name, listener) => listeners.set(name, listener);
  globalThis.removeEventListener = (name) => listeners.delete(name);
  const bench = new Bench(t);
  await bench.connect();
  bench.socket.cut();
  assert.equal(bench.client.state, 'waiting');
  listeners.get('online')();
  await settle();
  assert.equal(bench.sockets.length, 2);
  bench.client.close();
  assert.deepEqual([...listeners], []);
  delete globalThis.addEventListener;
  delete globalThis.removeEventListener;
});

test('a page that is seen again asks for a sign of life', async (t) => {
  const bench = new Bench(t);
  const listeners = new Map();
  globalThis.document = {
    visibilityState: 'hidden',
    addEventListener: (name, listener) => listeners.set(name, listener),
    removeEventListener: () => {},
  };
  t.after(() => delete globalThis.document);
  const socket = await bench.connect();
  listeners.get('visibilitychange')();
  assert.equal(socket.commands('ping').length, 0, 'hidden');
  globalThis.document.visibilityState = 'visible';
  listeners.get('visibilitychange')();
  assert.equal(socket.commands('ping').length, 1);
  await bench.pass(10_000);
  assert.equal(bench.client.state, 'waiting', 'no answer came');
});

test('comes back to a server that restarts after some part of the window', async (t) => {
  const bench = new Bench(t, { restartWindowMs: 4000, backoff: { baseMs: 60_000 } });
  mock.method(Math, 'random', () => 0.5);
  await bench.connect();
  bench.socket.cut(1012, 'DRAINING');
  assert.equal(bench.client.state, 'waiting');
  await bench.pass(1999);
  assert.equal(bench.sockets.length, 1);
  await bench.pass(1);
  assert.equal(bench.sockets.length, 2);
});

test('gives up a connection on which nothing comes', async (t) => {
  const bench = new Bench(t, { connectTimeoutMs: 5000 });
  const errors = bench.note('error', ({ code }) => code);
  void bench.client.connect();
  await bench.pass(5000);
  assert.equal(bench.client.state, 'waiting');
  assert.deepEqual(errors, ['TIMED_OUT']);
});

test('asks a silent server for a sign of life, and leaves one that gives none', async (t) => {
  const bench = new Bench(t, { pingMs: 1000, pongMs: 300 });
  const socket = await bench.connect();
  await bench.pass(1000);
  assert.equal(socket.commands('ping').length, 0, 'it was greeted meanwhile');
  await bench.pass(1000);
  assert.equal(socket.commands('ping').length, 1);
  socket.tell({ type: 'pong' });
  await bench.pass(300);
  assert.equal(bench.client.state, 'open');
  await bench.pass(1000);
  assert.equal(socket.commands('ping').length, 2);
  await bench.pass(300);
  assert.equal(bench.client.state, 'waiting');
});

test('an error that a retry cannot help ends it', async (t) => {
  const bench = new Bench(t);
  const opened = bench.client.connect();
  await settle();
  bench.socket.open();
  bench.socket.tell(failure('NOT_YOUR_ROOM'));
  bench.socket.cut(1008, 'NOT_YOUR_ROOM');
  await assert.rejects(opened, { name: 'MadangError', code: 'NOT_YOUR_ROOM', retryable: false });
  assert.equal(bench.client.state, 'closed');
});

test('an error that a retry may help is tried again', async (t) => {
  const bench = new Bench(t);
  await bench.connect();
  bench.socket.tell(failure('TOO_MANY', true));
  bench.socket.cut(1008, 'TOO_MANY');
  assert.equal(bench.client.state, 'waiting');
});

for (const code of ['TOKEN_EXPIRED', 'TOKEN_INVALID', 'TOKEN_REVOKED']) {
  test(`${code} asks for another token at once, and ends it when that is refused too`, async (t) => {
    const bench = new Bench(t);
    await bench.connect();
    for (const _ of [1, 2]) {
      bench.socket.tell(failure(code));
      bench.socket.cut(1008, code);
      await settle();
      bench.socket.open();
    }
    assert.deepEqual(bench.tokens, ['connect', 'refused']);
    assert.equal(bench.sockets.length, 2);
    assert.equal(bench.client.state, 'closed');
  });
}

test('a token that is accepted lets the next be asked for anew', async (t) => {
  const bench = new Bench(t);
  await bench.connect();
  for (const _ of [1, 2, 3]) {
    bench.socket.tell(failure('TOKEN_EXPIRED'));
    bench.socket.cut(1008, 'TOKEN_EXPIRED');
    await bench.greet();
  }
  assert.equal(bench.client.state, 'open');
});

test('a token function that fails is asked again later, unless it says that there is no use', async (t) => {
  let answer = () => {
    throw new Error('offline');
  };
  const bench = new Bench(t, { token: () => answer() });
  const errors = bench.note('error', ({ code, cause }) => [code, cause.message]);
  void bench.client.connect();
  await settle();
  assert.deepEqual(errors, [['TOKEN_UNAVAILABLE', 'offline']]);
  answer = () => 'token';
  await bench.pass(500);
  await bench.greet();
  assert.equal(bench.client.state, 'open');
});

test('without a token function the cookie says who it is', async (t) => {
  const bench = new Bench(t, { token: undefined });
  const socket = await bench.connect();
  assert.deepEqual(socket.said, []);
});

/** An unsigned token with a lifetime, in seconds. */
const jwt = (name, seconds) => {
  const iat = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: name, iat, exp: iat + seconds })}.`;
};

test('before its token expires it is on a new connection, and never off', async (t) => {
  const bench = new Bench(t, { token: () => jwt(String(bench.sockets.length), 1000), pingMs: 10_000_000 });
  const states = bench.note('state');
  const first = await bench.connect(room('a', 3));
  await bench.pass(799_000);
  assert.equal(bench.sockets.length, 1);
  await bench.pass(101_000);
  assert.equal(bench.sockets.length, 2, 'between 80 and 90 percent');
  assert.equal(first.isClosed, false, 'the old one is kept until there is a new one');
  const second = await bench.greet(room('a', 3));
  assert.equal(first.isClosed, true);
  assert.equal(second.isClosed, false);
  assert.deepEqual(states, ['connecting', 'open']);
});

test('a renewal that fails is tried again while the old connection is good', async (t) => {
  const bench = new Bench(t, { token: () => jwt(String(bench.sockets.length), 1000), pingMs: 10_000_000 });
  const first = await bench.connect(room('a', 3));
  await bench.pass(900_000);
  bench.socket.cut();
  assert.equal(bench.client.state, 'open');
  assert.equal(first.isClosed, false);
  await bench.pass(1000);
  assert.equal(bench.sockets.length, 3);
});

test('a connection that breaks during its renewal is replaced by it', async (t) => {
  const bench = new Bench(t, { token: () => jwt(String(bench.sockets.length), 1000), pingMs: 10_000_000 });
  const first = await bench.connect(room('a', 3));
  await bench.pass(900_000);
  first.cut();
  assert.equal(bench.client.state, 'connecting');
  await bench.greet(room('a', 3));
  assert.equal(bench.client.state, 'open');
  assert.equal(bench.sockets.length, 2);
});

test('the same token again opens no second connection', async (t) => {
  const token = jwt('kim', 1000);
  const bench = new Bench(t, { token: () => token, pingMs: 10_000_000 });
  await bench.connect(room('a', 3));
  await bench.pass(990_000);
  assert.equal(bench.sockets.length, 1);
});

test('close ends it, and connect begins again', async (t) => {
  const bench = new Bench(t);
  const first = await bench.connect(room('a', 3));
  bench.client.close();
  assert.equal(first.isClosed, true);
  assert.equal(bench.client.state, 'closed');
  void bench.client.connect();
  const second = await bench.greet(room('a', 5));
  assert.deepEqual(second.last('resume').positions, { a: 'e1-3' });
});

test('close while a token is awaited opens nothing', async (t) => {
  let give;
  const bench = new Bench(t, { token: () => new Promise((resolve) => (give = resolve)) });
  const opened = bench.client.connect();
  await settle();
  bench.client.close();
  give('late');
  await assert.rejects(opened, { code: 'CLOSED' });
  await settle();
  assert.equal(bench.sockets.length, 0);
});

test('a listener that throws stops nothing of the client', async (t) => {
  const bench = new Bench(t);
  const thrown = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => thrown.push(error.message));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    others.forEach((listener) => process.on('uncaughtException', listener));
  });
  bench.client.on('state', () => {
    throw new Error('of the application');
  });
  await bench.connect();
  assert.equal(bench.client.state, 'open');
  assert.deepEqual(thrown, ['of the application', 'of the application']);
});

test('a client that is closed by its own listener stays closed, and takes nothing more', async (t) => {
  const bench = new Bench(t);
  bench.client.on('hello', () => bench.client.close());
  const opened = bench.client.connect();
  const socket = await bench.greet(room('a', 0));
  await assert.rejects(opened, { code: 'CLOSED' });
  assert.equal(bench.client.state, 'closed');
  assert.equal(socket.isClosed, true);
  await assert.rejects(bench.client.send('a', { text: 'x' }).accepted, { code: 'CLOSED' });
  await assert.rejects(bench.client.join('a'), { code: 'CLOSED' });
  assert.deepEqual(bench.client.outgoing(), []);
});
