// A room's messages as an async iterable.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, message, position, room, settle } from './fakes.mjs';

/** Serves the log of room `a` from `oldest` to `last()`. */
const log = (last, oldest = 1) => async (url) => {
  const query = new URL(url).searchParams;
  const [after, limit] = [Number(query.get('after')), Number(query.get('limit'))];
  const messages = [];
  for (let seq = Math.max(after + 1, oldest); seq <= last() && messages.length < limit; seq += 1) {
    messages.push(message('a', seq).message);
  }
  const hasMore = (messages.at(-1)?.seq ?? last()) < last();
  return Response.json({ messages, hasMore, head: { position: position(last()), lastSeq: last(), oldestSeq: oldest } });
};

const take = async (messages, count) => {
  const seqs = [];
  for (let number = 0; number < count; number += 1) seqs.push((await messages.next()).value.seq);
  return seqs;
};
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

test('gives what comes, of its room', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 3), room('b', 0));
  const messages = bench.client.messages('a');
  const first = messages.next();
  for (const event of [message('a', 4), message('b', 1), message('a', 5)]) socket.tell(event);
  assert.equal((await first).value.seq, 4);
  assert.deepEqual(await take(messages, 1), [5]);
});

test('a slow reader gets all: what does not fit is read from the log', async (t) => {
  let last = 0;
  const bench = new Bench(t, { fetch: log(() => last) });
  const socket = await bench.connect(room('a', 0));
  const messages = bench.client.messages('a', { bufferMax: 10 });
  const first = messages.next();
  const come = (to) => {
    while (last < to) socket.tell(message('a', (last += 1)));
  };
  come(500);
  assert.equal((await first).value.seq, 1);
  assert.deepEqual(await take(messages, 299), range(2, 300));
  come(800);
  assert.deepEqual(await take(messages, 500), range(301, 800));
  const next = messages.next();
  await settle();
  come(801);
  assert.equal((await next).value.seq, 801, 'live again');
});

test('begins behind a number, which may be long ago', async (t) => {
  const bench = new Bench(t, { fetch: log(() => 450) });
  const socket = await bench.connect(room('a', 450));
  const messages = bench.client.messages('a', { after: 0 });
  assert.deepEqual(await take(messages, 450), range(1, 450));
  const next = messages.next();
  await settle();
  socket.tell(message('a', 451));
  assert.equal((await next).value.seq, 451);
});

test('throws when what it was to give is gone', async (t) => {
  const bench = new Bench(t, { fetch: log(() => 9, 7) });
  const socket = await bench.connect(room('a', 9));
  await assert.rejects(bench.client.messages('a', { after: 3 }).next(), { code: 'RESET' });
  const live = bench.client.messages('a');
  const next = live.next();
  socket.tell({ type: 'reset', room: 'a', oldest: position(20), head: position(20), oldestSeq: 20, lastSeq: 20 });
  await assert.rejects(next, { code: 'RESET' });
});

test('ends with the room, with its signal and with the client', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0), room('b', 0), room('c', 0));
  const abort = new AbortController();
  const all = ['a', 'b', 'c'].map((id) => bench.client.messages(id, id === 'b' ? { signal: abort.signal } : {}));
  const [a, b, c] = all.map((messages) => messages.next());
  socket.tell({ type: 'room', change: 'left', room: { id: 'a' } });
  abort.abort();
  assert.equal((await a).done, true);
  assert.equal((await b).done, true);
  bench.client.close();
  assert.equal((await c).done, true);
});

test('throws the error that ended the client', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0));
  const next = bench.client.messages('a').next();
  socket.tell({ type: 'error', error: { code: 'NOT_YOUR_ROOM', message: '', retryable: false } });
  socket.cut(1008);
  await assert.rejects(next, { code: 'NOT_YOUR_ROOM' });
});
