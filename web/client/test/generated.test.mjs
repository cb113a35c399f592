// The types are those of the server's documents, and all that is said there is heard and said here.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generate } from '../scripts/generate.mjs';
import { Bench, hello, message, room } from './fakes.mjs';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const document = (name) => JSON.parse(read(`../../../docs/reference/${name}`));
const asyncapi = document('asyncapi.json');

/** The `type`s of what is said on the JSON door, by who says it. */
const types = (suffix) =>
  Object.entries(asyncapi.channels.json.messages).flatMap(([key, { name }]) => (key.endsWith(suffix) ? [name] : []));

test('the generated types are not stale', () => {
  const fresh = generate(asyncapi, document('openapi.json'));
  assert.equal(read('../src/generated.ts'), fresh, 'run: npm run generate');
});

test('every payload of the document has a type', () => {
  const generated = read('../src/generated.ts');
  for (const name of Object.keys(asyncapi.components.schemas)) {
    const isReached = JSON.stringify(asyncapi).includes(`schemas/${name}"`);
    if (isReached) assert.match(generated, new RegExp(`export type ${name} = `));
  }
});

test('every event of the document is told to the application', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0));
  const names = ['message', 'room', 'reset', 'read', 'receipts', 'presence', 'inbox', 'typing', 'notification', 'hello'];
  // These are answers: they become promises.
  assert.deepEqual(types('Event').filter((type) => !['ack', 'pong', 'error'].includes(type)).sort(), [...names].sort());
  for (const name of names) {
    const seen = bench.note(name);
    const examples = asyncapi.channels.json.messages[`${name}Event`].examples.map(({ payload }) => payload);
    assert.notEqual(examples.length, 0, name);
    if (name === 'message') socket.tell(message('a', 1));
    else if (name === 'reset') socket.tell({ ...examples[0], room: 'a' });
    else if (name === 'hello') {
      bench.socket.cut();
      await bench.pass(1000);
      await bench.greet(room('a', 0));
    } else examples.forEach((event) => socket.tell(event));
    assert.notEqual(seen.length, 0, name);
  }
});

test('every command of the document can be said', async (t) => {
  const bench = new Bench(t, { pingMs: 100 });
  const { client } = bench;
  client.watch(['lee']);
  client.join('b').catch(() => {});
  client.leave('c').catch(() => {});
  const socket = await bench.connect(room('a', 5), room('d', 5));
  client.send('a', { text: 'x' });
  client.edit('b', 1, { text: 'x' });
  client.delete('c', 1);
  client.typing('a');
  client.markRead('a', { seq: 9, position: 'e1-9' });
  await bench.pass(100);
  await bench.pass(100);
  bench.socket.cut();
  await bench.pass(1000);
  const second = await bench.greet(room('a', 6), room('d', 5));
  const said = new Set([...socket.said, ...second.said].map(({ type }) => type));
  assert.deepEqual([...said].sort(), types('Command').sort());
});

test('an event of a newer server is passed over', async (t) => {
  const bench = new Bench(t);
  const socket = await bench.connect(room('a', 0));
  socket.tell({ type: 'somethingNew' });
  assert.equal(bench.client.state, 'open');
  assert.deepEqual(hello().rooms, []);
});
