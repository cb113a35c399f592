// Sending: shown at once, stored once, replaced once, in whatever order answers, messages and cuts come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench, accepted, message, own, position, room } from './fakes.mjs';

/** What an application shows of a room: messages, and behind them what is on its way. */
function screen(bench, id) {
  const shown = [];
  const replaced = [];
  bench.client.on('message', (message, outgoing) => {
    if (message.roomId !== id) return;
    shown.push(message.text ?? '');
    if (outgoing) replaced.push(outgoing.clientId);
  });
  const pending = () => bench.client.outgoing(id).map(({ command }) => command.text);
  return { shown, replaced, all: () => [...shown, ...pending()] };
}

test('a message is shown at once and said as soon as there is a connection', async (t) => {
  const bench = new Bench(t);
  const states = bench.note('outgoing', ({ state }) => state);
  const { all } = screen(bench, 'a');
  const sent = bench.client.send('a', { text: 'hi', data: { x: 1 } });
  assert.deepEqual(states, ['pending']);
  assert.deepEqual(all(), ['hi']);
  const socket = await bench.connect(room('a', 0));
  const { id: _, clientId, ...said } = socket.last('send');
  assert.deepEqual(said, { type: 'send', room: 'a', text: 'hi', data: { x: 1 } });
  assert.equal(clientId, sent.clientId);
  socket.ack('send', accepted('a', 1));
  assert.deepEqual(await sent.accepted, accepted('a', 1));
  socket.tell({ ...own('a', 1, clientId) });
  assert.deepEqual(states, ['pending', 'accepted', 'settled']);
  assert.deepEqual(bench.client.outgoing(), []);
});

/** All orders of these. */
const orders = (items) =>
  items.length === 0
    ? [[]]
    : items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));

// What the server does with one message: it answers, shows it, and the connection is cut in between.
const stories = ['ack', 'message', 'cut', 'cut'].reduce((all, _, index, events) => {
  return index > 0 ? all : [...new Set(orders(events).map(String))].map((story) => story.split(','));
}, []);

for (const story of stories) {
  test(`it is stored, accepted and replaced once: ${story.join(', ')}`, async (t) => {
    const bench = new Bench(t);
    const { shown, replaced, all } = screen(bench, 'a');
    let socket = await bench.connect(room('a', 0));
    const sent = bench.client.send('a', { text: 'text 1', clientId: 'c' });
    let acceptances = 0;
    sent.accepted.then(() => (acceptances += 1));
    const stored = story.indexOf('ack') < story.indexOf('message') ? 'ack' : 'message';
    let isStored = false;
    for (const event of story) {
      if (event === stored) isStored = true;
      if (event === 'cut') {
        socket = await bench.reconnect(room('a', isStored ? 1 : 0));
        if (socket.commands('resume').length > 0) {
          socket.ack('resume');
          // Stored and not seen yet: it comes by resuming.
          socket.tell(own('a', 1, 'c'));
        }
        if (!isStored) assert.equal(socket.last('send').clientId, 'c', 'said again');
      } else if (event === 'message') {
        socket.tell(own('a', 1, 'c'));
      } else if (socket.commands('send').length > 0) {
        socket.ack('send', accepted('a', 1));
      }
      assert.deepEqual(all(), ['text 1'], 'shown once at every moment');
    }
    await sent.accepted;
    assert.equal(acceptances, 1);
    assert.deepEqual(shown, ['text 1']);
    assert.deepEqual(replaced, ['c']);
    assert.equal(sent.state, 'settled');
  });
}

test('in a room nothing overtakes, and rooms do not wait for each other', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0), room('b', 0));
  for (const text of ['1', '2', '3']) bench.client.send('a', { text });
  bench.client.send('b', { text: 'x' });
  const said = () => socket.commands('send').map(({ text }) => text);
  assert.deepEqual(said(), ['1', 'x']);
  const answer = (text, seq) => {
    const { id, room } = socket.commands('send').find((command) => command.text === text);
    socket.tell({ type: 'ack', id, ...accepted(room, seq) });
  };
  answer('1', 1);
  assert.deepEqual(said(), ['1', 'x', '2']);
  const second = await bench.reconnect(room('a', 1), room('b', 0));
  assert.deepEqual(second.commands('send').map(({ text }) => text), [], 'rooms go on first');
  second.ack('resume');
  assert.deepEqual(second.commands('send').map(({ text }) => text), ['2', 'x']);
});

test('what the server cannot take now is said again, and what follows waits', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0));
  const [first, second] = ['1', '2'].map((text) => bench.client.send('a', { text }));
  socket.refuse('send', 'OVERLOADED', true);
  assert.equal(first.state, 'pending');
  bench.client.send('b', { text: 'elsewhere' });
  bench.client.send('a', { text: '3' });
  assert.deepEqual(socket.commands('send').map(({ text }) => text), ['1', 'elsewhere'], 'no sooner for that');
  socket.said.splice(2);
  await bench.pass(1000);
  assert.deepEqual(socket.commands('send').map(({ text }) => text), ['1', '1']);
  socket.ack('send', accepted('a', 1));
  assert.equal(socket.last('send').text, '2');
  socket.ack('send', accepted('a', 2));
  assert.deepEqual([first.state, second.state], ['accepted', 'accepted']);
});

test('what the server refuses is given up with its error, and what follows goes on', async (t) => {
  const bench = new Bench(t);
  const states = bench.note('outgoing', ({ command, state, error }) => [command.text, state, error?.code]);
  const socket = await bench.connect(room('a', 0));
  const bad = bench.client.send('a', { text: '' });
  const good = bench.client.send('a', { text: 'good' });
  socket.refuse('send', 'MESSAGE_INVALID');
  await assert.rejects(bad.accepted, { name: 'MadangError', code: 'MESSAGE_INVALID', retryable: false });
  assert.deepEqual(states.at(-1), ['', 'refused', 'MESSAGE_INVALID']);
  assert.equal(socket.last('send').text, 'good');
  assert.deepEqual(bench.client.outgoing(), [good]);
});

test('more than the queue holds is refused at once, and so is what the server would close for', async (t) => {
  const bench = new Bench(t, { queueMax: 3 });
  const sent = Array.from({ length: 4 }, (_, number) => bench.client.send('a', { text: String(number) }));
  await assert.rejects(sent[3].accepted, { code: 'QUEUE_FULL', retryable: true });
  assert.equal(bench.client.outgoing().length, 3);
  const socket = await bench.connect(room('a', 0));
  socket.ack('send', accepted('a', 1));
  socket.tell(own('a', 1, sent[0].clientId));
  assert.equal(bench.client.send('a', { text: 'there is room' }).state, 'pending');
  socket.ack('send', accepted('a', 2));
  socket.tell(own('a', 2, sent[1].clientId));
  const large = bench.client.send('a', { text: '\u0000'.repeat(30_000) });
  await assert.rejects(large.accepted, { code: 'TOO_LARGE' });
});

test('the same client id is one message', async (t) => {
  const bench = new Bench(t);
  const one = bench.client.send('a', { text: 'x', clientId: 'c' });
  assert.equal(bench.client.send('a', { text: 'x', clientId: 'c' }), one);
  assert.notEqual(bench.client.send('b', { text: 'x', clientId: 'c' }), one);
  assert.notEqual(bench.client.send('a', { text: 'x' }).clientId, bench.client.send('a', { text: 'x' }).clientId);
});

test('what was sent and shown before a reload is not shown as on its way for ever', async (t) => {
  const bench = new Bench(t, { positions: { rooms: { a: { position: position(5), seq: 5 } } } });
  const sent = bench.client.send('a', { text: 'kept by the application', clientId: 'c' });
  const socket = await bench.connect(room('a', 5));
  socket.ack('send', accepted('a', 4));
  await sent.accepted;
  assert.equal(sent.state, 'settled');
});

test('what is accepted and will never be shown is not shown as on its way for ever', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0), room('b', 0));
  const [one, other] = ['a', 'b'].map((id) => bench.client.send(id, { text: 'x' }));
  for (const { id, room } of socket.commands('send')) socket.tell({ type: 'ack', id, ...accepted(room, 1) });
  socket.tell({ type: 'reset', room: 'a', oldest: position(7), head: position(7), oldestSeq: 7, lastSeq: 7 });
  socket.tell(message('a', 7));
  socket.tell({ type: 'room', change: 'left', room: { id: 'b' } });
  assert.deepEqual([one.state, other.state], ['settled', 'settled']);
});

test("another person's message with the same client id replaces nothing", async (t) => {
  const bench = new Bench(t);
  const { replaced } = screen(bench, 'a');
  const socket = await bench.connect(room('a', 0));
  const sent = bench.client.send('a', { text: 'x', clientId: 'c' });
  socket.tell(message('a', 1, { clientId: 'c' }));
  assert.equal(sent.state, 'pending');
  assert.deepEqual(replaced, []);
});

test('edits and deletions are answered, in order with messages, and show nothing of their own', async (t) => {
  const bench = new Bench(t);
  const { replaced } = screen(bench, 'a');
  const socket = await bench.connect(room('a', 3));
  const edit = bench.client.edit('a', 2, { text: 'better' });
  const deletion = bench.client.delete('a', 3);
  const { id: _, clientId, ...said } = socket.last('edit');
  assert.deepEqual(said, { type: 'edit', room: 'a', seq: 2, text: 'better' });
  assert.equal(socket.commands('delete').length, 0);
  socket.tell(own('a', 4, clientId));
  assert.equal((await edit.accepted).seq, 4, 'its entry may come before its answer');
  socket.ack('delete', accepted('a', 5));
  assert.equal((await deletion.accepted).seq, 5);
  assert.deepEqual(replaced, []);
  assert.deepEqual(bench.client.outgoing(), []);
});

test('closing gives up what is pending, without an unhandled rejection', async (t) => {
  const bench = new Bench(t);
  await bench.connect(room('a', 0));
  const sent = ['1', '2'].map((text) => bench.client.send('a', { text }));
  bench.client.close();
  for (const { accepted } of sent) await assert.rejects(accepted, { code: 'CLOSED' });
  assert.deepEqual(bench.client.outgoing(), []);
});

test('a listener may send again in the place of what it was told of', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0));
  const further = [];
  bench.client.on('outgoing', ({ state }) => {
    if (state === 'settled' && further.length < 2) further.push(bench.client.send('a', { text: 'again' }));
  });
  for (const clientId of ['1', '2']) {
    bench.client.send('a', { text: 'x', clientId });
    socket.ack('send', accepted('a', Number(clientId)));
  }
  socket.tell({ type: 'room', change: 'left', room: { id: 'a' } });
  assert.equal(further.length, 2);
  assert.deepEqual(bench.client.outgoing('a'), further);
});
