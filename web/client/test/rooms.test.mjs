// Rooms: each entry once and in order, whatever connections do; what is unread; what the application may keep.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, accepted, hello, message, own, position, room, settle } from './fakes.mjs';

const seqs = (bench) => bench.note('message', ({ seq }) => seq);

/** An answer of the REST API. */
const json = (body, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });

/** Answers requests by method and path, and notes them. */
function rest(routes) {
  const asked = [];
  const fetch = async (url, { method = 'GET' } = {}) => {
    const { pathname, search } = new URL(url);
    asked.push(`${method} ${pathname}${search}`);
    return routes(pathname, new URLSearchParams(search));
  };
  return { asked, fetch };
}

test('after a cut a room goes on right behind its last message, and what comes before the answer is dropped', async (t) => {
  const bench = new Bench(t);
  const given = seqs(bench);
  const socket = await bench.connect(room('a', 3), room('b', 0));
  socket.tell(message('a', 4));
  const second = await bench.reconnect(room('a', 6), room('b', 0));
  assert.deepEqual(second.last('resume'), { type: 'resume', id: second.last('resume').id, positions: { a: 'e1-4' } });
  assert.equal(bench.client.state, 'connecting', 'until rooms go on');
  second.tell(message('a', 7));
  second.tell(message('b', 1));
  assert.deepEqual(given, [4, 1], 'only rooms that are resumed drop');
  second.ack('resume', { unknown: [] });
  assert.equal(bench.client.state, 'open');
  for (const seq of [5, 6, 7, 8]) second.tell(message('a', seq));
  assert.deepEqual(given, [4, 1, 5, 6, 7, 8]);
});

test('a room that begins where it was left is not resumed', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 3));
  socket.tell(message('a', 4));
  const second = await bench.reconnect(room('a', 4));
  assert.equal(bench.client.state, 'open');
  assert.equal(second.commands('resume').length, 0);
});

test('a cut before the answer to resume loses nothing', async (t) => {
  const bench = new Bench(t);
  const given = seqs(bench);
  await bench.connect(room('a', 3));
  const second = await bench.reconnect(room('a', 5));
  second.tell(message('a', 6));
  const third = await bench.reconnect(room('a', 6));
  assert.deepEqual(third.last('resume').positions, { a: 'e1-3' });
  third.ack('resume');
  for (const seq of [4, 5, 6]) third.tell(message('a', seq));
  assert.deepEqual(given, [4, 5, 6]);
});

test('a new room goes on from its position without being resumed', async (t) => {
  const bench = new Bench(t);
  const given = seqs(bench);
  const rooms = bench.note('room', ({ change, room }) => `${change} ${room.id}`);
  await bench.connect(room('a', 3));
  const second = await bench.reconnect(room('a', 3), room('b', 9));
  second.tell(message('b', 10));
  assert.deepEqual(given, [10]);
  assert.deepEqual(rooms, ['joined b']);
  assert.deepEqual(bench.client.positions().rooms, { a: { position: 'e1-3', seq: 3 }, b: { position: 'e1-10', seq: 10 } });
});

test('a room that is gone after a cut is told', async (t) => {
  const bench = new Bench(t);
  const rooms = bench.note('room', ({ change, room }) => `${change} ${room.id}`);
  await bench.connect(room('a', 3), room('b', 3));
  await bench.reconnect(room('b', 3));
  assert.deepEqual(rooms, ['left a']);
  assert.deepEqual(Object.keys(bench.client.positions().rooms), ['b']);
});

const more = (...rooms) => ({ ...hello(...rooms), more: true });
const roomEvent = (change, room) => ({ type: 'room', change, room });

/** Comes back to a server that shows these rooms and has more. */
async function comeBack(bench, ...rooms) {
  bench.socket.cut();
  await bench.pass(60_000);
  bench.socket.open();
  bench.socket.tell(more(...rooms));
  return bench.socket;
}

test('a known room that a connection does not show is asked for, and goes on without a hole', async (t) => {
  const bench = new Bench(t);
  const given = seqs(bench);
  const socket = await bench.connect(room('a', 3), room('b', 3));
  socket.tell(message('a', 4));
  const rooms = bench.note('room', ({ change, room }) => `${change} ${room.id}`);
  const second = await comeBack(bench, room('b', 3), room('c', 9));
  assert.deepEqual(second.last('resume').positions, { a: 'e1-4' });
  assert.deepEqual(Object.keys(bench.client.positions().rooms).sort(), ['a', 'b', 'c'], 'also when it is cut now');
  second.tell(roomEvent('hidden', { id: 'c' }));
  second.tell(roomEvent('joined', room('a', 6, { position: position(4) })));
  second.tell(message('a', 7));
  second.ack('resume', { unknown: [] });
  for (const seq of [5, 6, 7]) second.tell(message('a', seq));
  assert.deepEqual(given, [4, 5, 6, 7]);
  assert.deepEqual(rooms, ['joined c', 'hidden c'], 'a was there all the time');
  assert.deepEqual(bench.client.rooms.map(({ id }) => id).sort(), ['a', 'b']);
});

test('a known room that a connection does not show has been left or is hidden, as the server says', async (t) => {
  const bench = new Bench(t);
  await bench.connect(room('a', 3), room('b', 3), room('c', 3));
  const rooms = bench.note('room', ({ change, room }) => `${change} ${room.id}`);
  const second = await comeBack(bench, room('c', 3));
  assert.deepEqual(second.last('resume').positions, { a: 'e1-3', b: 'e1-3' });
  second.tell(roomEvent('hidden', { id: 'a' }));
  second.ack('resume', { unknown: ['b'] });
  assert.deepEqual(rooms, ['hidden a', 'left b']);
  assert.deepEqual(Object.keys(bench.client.positions().rooms), ['c']);
});

test('what is sent to a room that is not shown is settled once it is on disk', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 3));
  socket.tell(roomEvent('hidden', { id: 'a' }));
  const outgoing = bench.client.send('a', { text: 'x' });
  socket.ack('send', accepted('a', 9));
  assert.equal(outgoing.state, 'settled', 'its message will not come');
});

test('a repeated message is dropped, and a hole makes the client come back for what is missing', async (t) => {
  const bench = new Bench(t);
  const given = seqs(bench);
  const errors = bench.note('error', ({ code }) => code);
  const socket = await bench.connect(room('a', 3));
  socket.tell(message('a', 4));
  socket.tell(message('a', 4));
  socket.tell(message('a', 6));
  assert.equal(socket.isClosed, true);
  assert.deepEqual(errors, ['PROTOCOL']);
  await bench.pass(1000);
  const second = await bench.greet(room('a', 6));
  assert.deepEqual(second.last('resume').positions, { a: 'e1-4' });
  second.ack('resume');
  second.tell(message('a', 5));
  second.tell(message('a', 6));
  assert.deepEqual(given, [4, 5, 6]);
});

test('a server that never stops leaving holes is asked ever more seldom', async (t) => {
  const bench = new Bench(t, { backoff: { baseMs: 100, capMs: 100_000 } });
  t.mock.method(Math, 'random', () => 0.999);
  await bench.connect(room('a', 3));
  for (const ms of [100, 200, 400]) {
    bench.socket.tell(message('a', 9));
    const tries = bench.sockets.length;
    await bench.pass(ms / 2);
    assert.equal(bench.sockets.length, tries, `not within ${ms / 2} ms`);
    await bench.pass(ms / 2);
    await bench.greet(room('a', 3));
  }
});

const reset = (oldest, last) => ({
  type: 'reset',
  room: 'a',
  oldest: position(oldest),
  head: position(last),
  oldestSeq: oldest,
  lastSeq: last,
});

test('what is gone from the log is told once, and what is kept follows', async (t) => {
  const bench = new Bench(t);
  const given = seqs(bench);
  const resets = bench.note('reset', ({ oldestSeq, lastSeq }) => [oldestSeq, lastSeq]);
  await bench.connect(room('a', 3));
  const second = await bench.reconnect(room('a', 9));
  second.ack('resume');
  second.tell(reset(7, 9));
  const third = await bench.reconnect(room('a', 9));
  assert.deepEqual(third.last('resume').positions, { a: 'e1-3' }, 'there is nothing else to go on from');
  third.ack('resume');
  third.tell(reset(7, 9));
  for (const seq of [7, 8, 9]) third.tell(message('a', seq));
  assert.deepEqual(given, [7, 8, 9]);
  assert.deepEqual(resets, [[7, 9]]);
});

test('an emptied log goes on from its head', async (t) => {
  const bench = new Bench(t);
  const resets = bench.note('reset', ({ oldestSeq, lastSeq }) => [oldestSeq, lastSeq]);
  await bench.connect(room('a', 3));
  const second = await bench.reconnect(room('a', 9));
  second.ack('resume');
  second.tell(reset(10, 9));
  const third = await bench.reconnect(room('a', 9));
  assert.equal(third.commands('resume').length, 0);
  assert.deepEqual(resets, [[10, 9]]);
});

test('a room that was deleted and made again begins anew', async (t) => {
  const bench = new Bench(t);
  const given = seqs(bench);
  await bench.connect(room('a', 30));
  const again = room('a', 2, { createdAt: '2026-02-02T00:00:00.000000Z', unread: 2, readSeq: 0, position: 'e2-2' });
  const second = await bench.reconnect(again);
  assert.deepEqual(second.last('resume').positions, { a: 'e1-30' });
  second.ack('resume');
  second.tell({ ...reset(1, 2), oldest: 'e2-1', head: 'e2-2' });
  second.tell(message('a', 1));
  second.tell(message('a', 2));
  assert.deepEqual(given, [1, 2]);
  assert.equal(bench.client.unread.messages, 2);
});

test('an application goes on where it kept that it was', async (t) => {
  const positions = { rooms: { a: { position: 'e1-4', seq: 4 }, gone: { position: 'e1-1' } }, inbox: 'i-2' };
  const bench = new Bench(t, { positions: JSON.parse(JSON.stringify(positions)) });
  assert.deepEqual(bench.client.positions(), positions);
  const given = seqs(bench);
  const rooms = bench.note('room', ({ change, room }) => `${change} ${room.id}`);
  void bench.client.connect();
  await settle();
  bench.socket.open();
  bench.socket.tell({ ...hello(room('a', 6), room('b', 2)), inbox: { position: 'i-3', unread: 1 } });
  const { positions: asked, inbox } = bench.socket.last('resume');
  assert.deepEqual([asked, inbox], [{ a: 'e1-4' }, 'i-2']);
  bench.socket.ack('resume');
  bench.socket.tell(message('a', 5));
  bench.socket.tell(message('a', 6));
  assert.deepEqual(given, [5, 6]);
  assert.deepEqual(rooms, ['joined b', 'left gone']);
});

test('positions that the server does not take are given up, and what may be missing is told', async (t) => {
  const bench = new Bench(t, { positions: { rooms: { a: { position: 'nonsense', seq: 4 } } } });
  const resets = bench.note('reset', ({ room, lastSeq }) => [room, lastSeq]);
  const given = seqs(bench);
  void bench.client.connect();
  const first = await bench.greet(room('a', 6));
  first.refuse('resume', 'POSITION_INVALID');
  assert.equal(first.isClosed, true);
  await bench.pass(1000);
  const second = await bench.greet(room('a', 7));
  assert.equal(bench.client.state, 'open');
  second.tell(message('a', 8));
  assert.deepEqual(resets, [['a', 7]]);
  assert.deepEqual(given, [8]);
});

test('many rooms are resumed in messages that the server takes', async (t) => {
  const bench = new Bench(t);
  const ids = Array.from({ length: 1000 }, (_, number) => `room-${number}-${'x'.repeat(50)}`);
  await bench.connect(...ids.map((id) => room(id, 3)));
  const second = await bench.reconnect(...ids.map((id) => room(id, 4)));
  const resumes = second.commands('resume');
  assert.ok(resumes.length > 1);
  for (const resume of resumes) assert.ok(JSON.stringify(resume).length < 65_536);
  assert.equal(Object.keys(Object.assign({}, ...resumes.map(({ positions }) => positions))).length, 1000);
  for (const { id } of resumes) {
    assert.equal(bench.client.state, 'connecting');
    second.tell({ type: 'ack', id });
  }
  assert.equal(bench.client.state, 'open');
});

test('messages of others count as unread until they are read', async (t) => {
  const bench = new Bench(t);
  const told = bench.note('rooms');
  const socket = await bench.connect(room('a', 3, { unread: 2, readSeq: 1 }), room('b', 0));
  assert.equal(bench.client.unread.messages, 2);
  await settle();
  socket.tell(message('a', 4));
  socket.tell(own('a', 5, 'x'));
  socket.tell(message('a', 6, { type: 'notice' }));
  socket.tell(message('a', 7, { type: 'joined', subjects: [{ id: 'park', name: 'Park' }] }));
  await settle();
  assert.equal(bench.client.room('a').unread, 3);
  assert.equal(bench.client.room('a').memberCount, 3);
  assert.equal(told.length, 2, 'once for all changes of a moment');
  bench.client.markRead('a', { seq: 7, position: position(7) });
  assert.deepEqual([bench.client.unread.messages, bench.client.room('a').readSeq], [0, 7]);
});

test('messages that the server has counted are not counted again when they come by resuming', async (t) => {
  const bench = new Bench(t);
  await bench.connect(room('a', 3));
  const second = await bench.reconnect(room('a', 5, { unread: 2, readSeq: 3, memberCount: 4 }));
  second.ack('resume');
  second.tell(message('a', 4));
  second.tell(message('a', 5, { type: 'added', subjects: [{ id: 'park', name: 'Park' }] }));
  assert.equal(bench.client.room('a').unread, 2);
  assert.equal(bench.client.room('a').memberCount, 4);
  second.tell(message('a', 6));
  assert.equal(bench.client.room('a').unread, 3);
});

test('reading on another device counts here too', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 3));
  for (const seq of [4, 5, 6]) socket.tell(message('a', seq));
  const read = { type: 'read', room: 'a', position: position(5), seq: 5, previousSeq: 3 };
  socket.tell({ ...read, user: 'lee' });
  assert.equal(bench.client.room('a').unread, 3);
  socket.tell({ ...read, user: 'kim' });
  assert.equal(bench.client.room('a').unread, 1);
  socket.tell({ ...read, user: 'kim', seq: 4 });
  assert.equal(bench.client.room('a').readSeq, 5, 'only rises');
});

test('a room that is read in part is counted by the server', async (t) => {
  const { asked, fetch } = rest(() => json({ rooms: [{ ...room('a', 12), unread: 4, readSeq: 6 }] }));
  const bench = new Bench(t, { fetch });
  const socket = await bench.connect(room('a', 10, { unread: 7, readSeq: 1 }));
  bench.client.markRead('a', { seq: 6, position: position(6) });
  assert.equal(bench.client.room('a').unread, 4, 'no more than there can be');
  await settle();
  assert.deepEqual(asked, [], 'the server does not know of it yet');
  socket.ack('read');
  await settle();
  assert.deepEqual(asked, ['GET /api/v1/rooms?limit=200']);
  assert.equal(bench.client.room('a').unread, 4);
  socket.tell(message('a', 11));
  socket.tell(message('a', 12));
  assert.equal(bench.client.room('a').unread, 4, 'these were counted');
  socket.tell(message('a', 13));
  assert.equal(bench.client.room('a').unread, 5);
});

test('a room whose picture changed is read anew', async (t) => {
  const { asked, fetch } = rest(() => json({ ...room('a', 4), title: 'new' }));
  const bench = new Bench(t, { fetch });
  const socket = await bench.connect(room('a', 3, { title: 'old' }));
  const changes = bench.note('room', ({ change, room }) => [change, room.title]);
  socket.tell(message('a', 4, { type: 'roomChanged' }));
  await settle();
  await settle();
  assert.deepEqual(asked, ['GET /api/v1/rooms/a']);
  assert.deepEqual(changes, [['changed', 'new']]);
});

test('what the server says of a room from before is not believed of what came since', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 3, { title: 'old' }));
  socket.tell(message('a', 4, { type: 'added', subjects: [{ id: 'park', name: 'Park' }] }));
  socket.tell({ type: 'room', change: 'changed', room: room('a', 3, { title: 'new' }) });
  const { title, memberCount, head } = bench.client.room('a');
  assert.deepEqual([title, memberCount, head.lastSeq], ['new', 3, 4]);
  socket.tell({ type: 'room', change: 'changed', room: room('a', 9, { memberCount: 7 }) });
  socket.tell(message('a', 5, { type: 'added', subjects: [{ id: 'choi', name: 'Choi' }] }));
  assert.equal(bench.client.room('a').memberCount, 7, 'it was counted');
});

test('read marks are told one at a time, the newest of many, again after a cut', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 9, { unread: 9, readSeq: 0 }));
  const read = (seq) => bench.client.markRead('a', { seq, position: position(seq) });
  for (const seq of [3, 2, 5, 9, 4]) read(seq);
  assert.deepEqual(socket.commands('read').map(({ position }) => position), ['e1-3']);
  socket.ack('read');
  assert.deepEqual(socket.commands('read').map(({ position }) => position), ['e1-3', 'e1-9']);
  const second = await bench.reconnect(room('a', 9, { unread: 6, readSeq: 3 }));
  assert.deepEqual(second.commands('read').map(({ position }) => position), ['e1-9']);
  assert.equal(bench.client.room('a').unread, 0);
  second.refuse('read', 'OVERLOADED', true);
  await bench.pass(1000);
  assert.equal(second.commands('read').length, 2);
  second.ack('read');
  await bench.reconnect(room('a', 9, { unread: 0, readSeq: 9 }));
  assert.equal(bench.socket.commands('read').length, 0);
});

test('joining and leaving are said until they are answered', async (t) => {
  const bench = new Bench(t);
  const joined = bench.client.join('a');
  const left = bench.client.leave('b');
  const first = await bench.connect(room('b', 1));
  first.ack('join');
  await joined;
  const second = await bench.reconnect();
  assert.equal(second.commands('join').length, 0);
  second.refuse('leave', 'ROOM_NOT_FOUND');
  await left;
  const refused = bench.client.leave('c');
  second.refuse('leave', 'ROOM_NOT_FOUND');
  await assert.rejects(refused, { code: 'ROOM_NOT_FOUND' });
  const open = bench.client.join('d');
  bench.client.close();
  await assert.rejects(open, { code: 'CLOSED' });
});

test('who is watched stays so over connections', async (t) => {
  const bench = new Bench(t);
  const presence = bench.note('presence', ({ user, online }) => [user, online]);
  bench.client.watch(['lee']);
  await bench.connect();
  const second = await bench.reconnect();
  assert.deepEqual(second.last('watch').users, ['lee']);
  second.tell({ type: 'presence', user: 'lee', online: true, at: '2026-01-01T00:00:00.000000Z' });
  assert.deepEqual(presence, [['lee', true]]);
  assert.throws(() => bench.client.watch(Array.from({ length: 201 }, String)), RangeError);
});

test('typing is said again only after a while, and once that it is over', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0));
  const said = () => socket.commands('typing').map(({ active }) => active);
  for (let key = 0; key < 10; key += 1) bench.client.typing('a');
  assert.deepEqual(said(), [true]);
  await bench.pass(3000);
  bench.client.typing('a');
  bench.client.typing('a', false);
  bench.client.typing('a', false);
  assert.deepEqual(said(), [true, true, false]);
  bench.client.typing('a');
  bench.client.send('a', { text: 'done' });
  bench.client.typing('a', false);
  assert.deepEqual(said(), [true, true, false, true]);
});

test('somebody who writes is told once, and forgotten after a while or with their message', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0));
  const typing = bench.note('typing', ({ user, active }) => [user, active]);
  const writes = (active) => socket.tell({ type: 'typing', room: 'a', user: 'lee', name: 'Lee', active });
  writes(true);
  writes(true);
  assert.deepEqual(typing.splice(0), [['lee', true]]);
  await bench.pass(7000);
  assert.deepEqual(typing.splice(0), [['lee', false]]);
  writes(true);
  socket.tell(message('a', 1));
  writes(false);
  assert.deepEqual(typing, [['lee', true], ['lee', false]]);
});

const entry = (seq, change, further) => ({ type: 'inbox', entry: { position: `i-${seq}`, change, ...further } });
const added = (id) => entry(id, 'added', { notification: { id, type: 'x', content: 'c', createdAt: '' } });

test('the inbox goes on behind its last entry and counts what is unread', async (t) => {
  const bench = new Bench(t);
  const entries = bench.note('inbox', ({ position }) => position);
  void bench.client.connect();
  await settle();
  bench.socket.open();
  bench.socket.tell({ ...hello(), inbox: { position: 'i-3', unread: 1, lastSeq: 3 } });
  bench.socket.tell(added(4));
  bench.socket.tell(added(5));
  assert.equal(bench.client.unread.notifications, 3);
  bench.socket.tell(entry(6, 'read', { target: 4, upTo: false }));
  assert.equal(bench.client.unread.notifications, 2);
  bench.socket.cut();
  await bench.pass(60_000);
  bench.socket.open();
  bench.socket.tell({ ...hello(), inbox: { position: 'i-8', unread: 3, lastSeq: 8 } });
  assert.equal(bench.socket.last('resume').inbox, 'i-6');
  bench.socket.tell(added(9));
  bench.socket.ack('resume');
  for (const id of [7, 8, 9]) bench.socket.tell(added(id));
  assert.equal(bench.client.unread.notifications, 4, '7 and 8 were counted');
  bench.socket.tell(entry(10, 'read', { target: 9, upTo: true }));
  assert.equal(bench.client.unread.notifications, 0);
  assert.deepEqual(entries, ['i-4', 'i-5', 'i-6', 'i-7', 'i-8', 'i-9', 'i-10']);
});

test('the first notification ever is given though it came while there was no connection', async (t) => {
  const bench = new Bench(t);
  const entries = bench.note('inbox', ({ position }) => position);
  await bench.connect();
  assert.equal(bench.client.positions().inbox, null, 'there is no inbox');
  for (const cut of [true, false]) {
    bench.socket.cut();
    await bench.pass(60_000);
    bench.socket.open();
    bench.socket.tell({ ...hello(), inbox: { position: 'i-1', unread: 1, lastSeq: 1 } });
    assert.equal(bench.socket.last('resume').inbox, null);
    if (cut) continue;
    bench.socket.ack('resume');
    bench.socket.tell(added(1));
  }
  assert.deepEqual(entries, ['i-1']);
  assert.equal(bench.client.positions().inbox, 'i-1');
});

test('what is gone from the inbox is told, and counted anew', async (t) => {
  const { asked, fetch } = rest(() => json({ notifications: [{ id: 8 }], unread: 2, page: 1, size: 1, total: 8 }));
  const bench = new Bench(t, { fetch, positions: { rooms: {}, inbox: 'i-1' } });
  const resets = bench.note('reset', ({ oldestSeq }) => oldestSeq);
  void bench.client.connect();
  await settle();
  bench.socket.open();
  bench.socket.tell({ ...hello(), inbox: { position: 'i-8', unread: 3, lastSeq: 8 } });
  bench.socket.ack('resume');
  bench.socket.tell({ type: 'reset', oldest: 'i-7', head: 'i-8', oldestSeq: 7, lastSeq: 8 });
  bench.socket.tell(added(7));
  await settle();
  await settle();
  assert.deepEqual(resets, [7]);
  assert.deepEqual(asked, ['GET /api/v1/notifications?size=1']);
  assert.equal(bench.client.unread.notifications, 2);
});
