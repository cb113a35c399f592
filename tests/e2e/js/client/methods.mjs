// What each method of the client library promises, on the running server.
import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { run, sign, url } from '../support.mjs';

const { MadangClient } = await import(process.env.CLIENT);
const PATIENCE_MS = 30_000;
const clients = [];

/** A connected client whose events can be awaited, whether they have come or not. */
async function enter(user, options = {}) {
  const token = () => sign({ sub: user, name: user.toUpperCase() });
  const client = new MadangClient({ url, token, WebSocket, backoff: { baseMs: 20, capMs: 200 }, ...options });
  clients.push(client);
  const events = [];
  const waiting = new Set();
  for (const name of ['message', 'room', 'rooms', 'reset', 'read', 'presence', 'typing', 'inbox', 'outgoing', 'state', 'error']) {
    client.on(name, (value) => {
      events.push([name, value]);
      waiting.forEach((look) => look());
    });
  }
  /** Resolves to the first event of this name that fits, and forgets all before it. */
  client.next = (name, fits = () => true) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${user}: no ${name} ${fits}`)), PATIENCE_MS);
      const look = () => {
        const index = events.findIndex(([what, value]) => what === name && fits(value));
        if (index < 0) return;
        clearTimeout(late);
        waiting.delete(look);
        resolve(events.splice(0, index + 1).at(-1)[1]);
      };
      waiting.add(look);
      look();
    });
  /** Resolves once this holds; it is looked at with every event. */
  client.until = (holds) => (holds() ? Promise.resolve() : client.next('rooms', holds));
  await client.connect();
  return client;
}

const group = async (client, ...members) => {
  const { id } = await client.rest('POST /rooms', {}, { kind: 'group', title: 'old', members });
  await client.until(() => client.room(id));
  return id;
};

const stories = {
  async 'an open room is joined and left'() {
    const [ann, bob] = [await enter('ann1'), await enter('bob1')];
    const { id } = await ann.rest('POST /rooms', {}, { kind: 'open', title: 'square' });
    await ann.until(() => ann.room(id));
    await bob.join(id);
    await bob.next('room', ({ change, room }) => change === 'joined' && room.id === id);
    await ann.next('message', ({ type, subjects }) => type === 'joined' && subjects[0].id === 'bob1');
    assert.equal(ann.room(id).memberCount, 2);
    await bob.leave(id);
    await bob.next('room', ({ change, room }) => change === 'left' && room.id === id);
    await ann.next('message', ({ type }) => type === 'left');
    assert.equal(ann.room(id).memberCount, 1);
    await assert.rejects(bob.join('there-is-no-such-room'), { name: 'MadangError', code: 'ROOM_NOT_FOUND' });
  },

  async 'a message is changed and taken away, by those who may'() {
    const [ann, bob] = [await enter('ann2'), await enter('bob2')];
    const room = await group(ann, 'bob2');
    const { seq } = await ann.send(room, { text: 'first', data: { nested: [1, '둘'] } }).accepted;
    const message = await bob.next('message', (one) => one.seq === seq);
    assert.deepEqual([message.text, message.data], ['first', { nested: [1, '둘'] }]);
    await assert.rejects(bob.edit(room, seq, { text: 'mine' }).accepted, { code: 'ROLE_REQUIRED', retryable: false });
    await ann.edit(room, seq, { text: 'second' }).accepted;
    const edited = await bob.next('message', ({ type }) => type === 'edited');
    assert.deepEqual([edited.target, edited.text], [seq, 'second']);
    await ann.delete(room, seq).accepted;
    assert.equal((await bob.next('message', ({ type }) => type === 'deleted')).target, seq);
    await assert.rejects(ann.send(room, { text: 'x'.repeat(17_000) }).accepted, { code: 'MESSAGE_INVALID' });
    await assert.rejects(ann.send('not-mine', { text: 'x' }).accepted, { code: 'ROOM_NOT_FOUND' });
  },

  async 'reading is told to others and to the own devices, and counted exactly'() {
    const [ann, bob, phone] = [await enter('ann3'), await enter('bob3'), await enter('bob3')];
    const room = await group(ann, 'bob3');
    for (const device of [bob, phone]) await device.until(() => device.room(room));
    const sent = [];
    for (let number = 0; number < 10; number += 1) sent.push(await ann.send(room, { text: `${number}` }).accepted);
    for (const device of [bob, phone]) await device.until(() => device.room(room).unread === 10);
    bob.markRead(room, sent[3]);
    assert.equal(bob.unread.messages, 6);
    const read = await ann.next('read', ({ user }) => user === 'bob3');
    assert.equal(read.seq, sent[3].seq);
    await phone.until(() => phone.room(room).unread === 6);
    // One that connects later has the server's count, and asks for it when it is read in part.
    const tablet = await enter('bob3');
    assert.equal(tablet.room(room).unread, 6);
    tablet.markRead(room, sent[6]);
    await tablet.until(() => tablet.room(room).unread === 3);
    await ann.send(room, { text: 'one more' }).accepted;
    await tablet.until(() => tablet.room(room).unread === 4);
    const { rooms } = await tablet.rest('GET /unread', {});
    assert.deepEqual(rooms, [{ id: room, unread: 4 }]);
    const receipts = await ann.rest('GET /rooms/{id}/receipts', { id: room, from: sent[0].seq, to: sent[9].seq });
    assert.ok(receipts);
  },

  async 'who is watched is told to be there and to be gone'() {
    const [ann, bob] = [await enter('ann4'), await enter('bob4')];
    await group(ann, 'bob4');
    ann.watch(['bob4']);
    await ann.next('presence', ({ user, online }) => user === 'bob4' && online);
    bob.close();
    await ann.next('presence', ({ user, online }) => user === 'bob4' && !online);
  },

  async 'who writes is shown until they have sent it'() {
    const [ann, bob] = [await enter('ann5'), await enter('bob5')];
    const room = await group(ann, 'bob5');
    bob.typing(room);
    await bob.until(() => bob.room(room));
    bob.typing(room);
    assert.equal((await ann.next('typing')).name, 'BOB5');
    await bob.send(room, { text: 'done' }).accepted;
    assert.equal((await ann.next('typing')).active, false);
  },

  async "the customer's own room is opened by the first message"() {
    const ann = await enter('ann6');
    const sent = ann.send('ann6', { text: 'help' });
    assert.equal((await ann.next('message', ({ type }) => type === 'message')).text, 'help');
    await sent.accepted;
    assert.equal(ann.room('ann6').kind, 'support');
  },

  async 'notifications come and are counted, on every device'() {
    const [ann, phone] = [await enter('ann7'), await enter('ann7')];
    const notify = async (content) => {
      const response = await fetch(`${url}/api/v1/host/notifications`, {
        method: 'POST',
        headers: { 'X-API-Key': process.env.API_KEY, 'Content-Type': 'application/json' },
        body: JSON.stringify({ type: 'test', content, users: ['ann7'] }),
      });
      assert.equal(response.status, 200);
    };
    for (const content of ['one', 'two', 'three']) await notify(content);
    const ids = [];
    for (const content of ['one', 'two', 'three']) {
      const entry = await ann.next('inbox');
      assert.deepEqual([entry.change, entry.notification.content], ['added', content]);
      ids.push(entry.notification.id);
    }
    assert.equal(ann.unread.notifications, 3);
    await phone.rest('PATCH /notifications/{id}', { id: ids[1] }, { read: true });
    await ann.until(() => ann.unread.notifications === 2);
    // A client that came later knows only how many there were.
    const tablet = await enter('ann7');
    assert.equal(tablet.unread.notifications, 2);
    await phone.rest('DELETE /notifications/{id}', { id: ids[0] });
    for (const device of [ann, tablet]) await device.until(() => device.unread.notifications === 1);
    await notify('four');
    for (const device of [ann, tablet]) await device.until(() => device.unread.notifications === 2);
    await phone.rest('POST /notifications/read', {}, { upTo: ids[2] });
    for (const device of [ann, tablet]) await device.until(() => device.unread.notifications === 1);
    const positions = ann.positions();
    ann.close();
    await notify('five');
    const again = await enter('ann7', { positions });
    assert.equal((await again.next('inbox')).notification.content, 'five');
    assert.equal(again.unread.notifications, 2);
  },

  async 'a room that is given another title is read anew'() {
    const [ann, bob] = [await enter('ann8'), await enter('bob8')];
    const id = await group(ann, 'bob8');
    await bob.until(() => bob.room(id));
    await ann.rest('PATCH /rooms/{id}', { id }, { title: 'new' });
    await bob.next('room', ({ change, room }) => change === 'changed' && room.title === 'new');
    assert.equal(bob.room(id).title, 'new');
    await ann.rest('DELETE /rooms/{id}/members/{user}', { id, user: 'bob8' });
    await bob.next('room', ({ change }) => change === 'left');
    assert.equal(bob.room(id), undefined);
  },

  async 'a slow reader is given the whole log'() {
    const [ann, bob] = [await enter('ann9'), await enter('bob9')];
    const room = await group(ann, 'bob9');
    await bob.until(() => bob.room(room));
    const messages = bob.messages(room, { after: 0, bufferMax: 5 });
    const first = messages.next();
    const sent = Array.from({ length: 300 }, (_, number) => ann.send(room, { text: `${number}` }).accepted);
    const { seq } = (await Promise.all(sent)).at(-1);
    await bob.until(() => bob.room(room).head.lastSeq === seq);
    const seqs = [(await first).value.seq];
    while (seqs.at(-1) < seq) seqs.push((await messages.next()).value.seq);
    assert.deepEqual(seqs, Array.from({ length: seq }, (_, index) => index + 1));
  },

  async 'a room that was made again meanwhile begins anew, and that is told'() {
    const ann = await enter('ann10');
    await ann.send('ann10', { text: 'old life' }).accepted;
    await ann.next('message', ({ text }) => text === 'old life');
    const positions = ann.positions();
    ann.close();
    const other = await enter('ann10');
    await other.leave('ann10');
    await other.next('room', ({ change }) => change === 'left');
    await other.send('ann10', { text: 'new life' }).accepted;
    const again = await enter('ann10', { positions });
    assert.equal((await again.next('reset')).oldestSeq, 1);
    await again.next('message', ({ text }) => text === 'new life');
  },

  async 'positions of another server are given up, and that is told'() {
    const ann = await enter('ann11');
    const room = await group(ann);
    const positions = { rooms: { [room]: { position: 'nonsense' } } };
    const again = await enter('ann11', { positions });
    assert.equal((await again.next('reset')).room, room);
    await ann.send(room, { text: 'goes on' }).accepted;
    await again.next('message', ({ text }) => text === 'goes on');
  },

  async 'a token that nobody signed ends it'() {
    for (const transport of ['websocket', 'sse']) {
      const client = new MadangClient({ url, token: () => 'nonsense', WebSocket, transport });
      await assert.rejects(client.connect(), { name: 'MadangError', code: 'TOKEN_INVALID', retryable: false });
      assert.equal(client.state, 'closed');
    }
  },

  async 'over server-sent events it is the same'() {
    const [ann, bob] = [await enter('ann12', { transport: 'sse' }), await enter('bob12')];
    const room = await group(bob, 'ann12');
    await ann.until(() => ann.room(room));
    const sent = ann.send(room, { text: 'first' });
    const { seq } = await sent.accepted;
    await ann.next('outgoing', ({ state }) => state === 'settled');
    const edit = ann.edit(room, seq, { text: 'second' });
    assert.equal((await edit.accepted).seq, seq + 1);
    assert.equal((await ann.delete(room, seq).accepted).seq, seq + 2);
    await assert.rejects(ann.delete(room, 1).accepted, { code: 'MESSAGE_NOT_FOUND' });
    const last = await bob.send(room, { text: 'read me' }).accepted;
    await ann.until(() => ann.room(room).unread === 1);
    ann.markRead(room, last);
    await bob.next('read', ({ user, seq }) => user === 'ann12' && seq === last.seq);
    await ann.leave(room);
    await ann.next('room', ({ change }) => change === 'left');
  },

  async 'a server that stops in order is come back to'() {
    const ann = await enter('ann13', { restartWindowMs: 300 });
    const room = await group(ann);
    console.log('stop now');
    await ann.next('state', (state) => state === 'waiting');
    const sent = ann.send(room, { text: 'meanwhile' });
    await ann.next('state', (state) => state === 'open');
    await sent.accepted;
    await ann.next('outgoing', ({ state }) => state === 'settled');
  },
};

await run(async () => {
  for (const [name, story] of Object.entries(stories)) {
    if (process.env.ONLY && !name.includes(process.env.ONLY)) continue;
    console.log(name);
    await story().catch((cause) => {
      throw new Error(name, { cause });
    });
    clients.splice(0).forEach((client) => client.close());
  }
});
