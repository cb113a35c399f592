// Server-sent events instead of a WebSocket, and the REST API.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { MadangClient } from '../dist/index.js';
import { EventParser } from '../dist/event-parser.js';
import { accepted, hello, message, position, room, settle } from './fakes.mjs';

const problem = (status, code, retryable = false) =>
  new Response(JSON.stringify({ code, detail: code, retryable, status }), {
    status,
    headers: { 'content-type': 'application/problem+json' },
  });

/** Streams and requests as the test answers them. */
class Web {
  streams = [];
  requests = [];
  /** What requests that are no stream are answered with. */
  answer = () => problem(404, 'NOT_FOUND');
  /** What the next streams are answered with instead of a stream. */
  refusals = [];

  fetch = async (url, { method = 'GET', headers = {}, body, signal }) => {
    const { pathname, search } = new URL(url);
    if (pathname !== '/api/v1/events') {
      const request = { method, path: pathname + search, headers, body: body && JSON.parse(body) };
      this.requests.push(request);
      return this.answer(request);
    }
    const stream = { headers, id: 0 };
    this.streams.push(stream);
    const refusal = this.refusals.shift();
    if (refusal) return refusal;
    const source = new ReadableStream({ start: (controller) => (stream.controller = controller) });
    signal.addEventListener('abort', () => {
      stream.isClosed = true;
      stream.controller.error(signal.reason);
    });
    return new Response(source, { headers: { 'content-type': 'text/event-stream' } });
  };

  get stream() {
    return this.streams.at(-1);
  }

  write(text) {
    this.stream.controller.enqueue(new TextEncoder().encode(text));
    return settle();
  }

  tell(event, id) {
    return this.write(`${id ? `id: ${id}\n` : ''}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  async end() {
    this.stream.controller.close();
    await settle();
  }
}

function bench(t, options = {}) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  const web = new Web();
  const tokens = [];
  const token = (reason) => `token ${tokens.push(reason)}`;
  const client = new MadangClient({ url: 'http://madang.test', token, transport: 'sse', fetch: web.fetch, ...options });
  t.after(() => {
    client.close();
    mock.timers.reset();
  });
  const given = [];
  client.on('message', ({ seq }) => given.push(seq));
  const pass = async (ms) => {
    await settle();
    mock.timers.tick(ms);
    await settle();
  };
  const connect = async (...rooms) => {
    void client.connect();
    await settle();
    await web.tell(hello(...rooms), 'id-0');
  };
  return { web, client, given, tokens, pass, connect };
}

test('a stream goes on where it was cut', async (t) => {
  const { web, client, given, pass, connect } = bench(t);
  await connect(room('a', 3));
  assert.deepEqual(web.stream.headers, { Accept: 'text/event-stream', Authorization: 'Bearer token 1' });
  assert.equal(client.state, 'open');
  await web.tell(message('a', 4), 'id-1');
  await web.tell({ type: 'typing', room: 'a', user: 'lee', name: 'Lee', active: true });
  await web.end();
  assert.equal(client.state, 'waiting');
  await pass(500);
  assert.equal(web.stream.headers['Last-Event-ID'], 'id-1');
  await web.tell(hello(room('a', 5, { position: position(4) })), 'id-1');
  await web.tell(message('a', 5), 'id-2');
  assert.deepEqual(given, [4, 5]);
  assert.deepEqual(client.positions(), { rooms: { a: { position: 'e1-5', seq: 5 } }, inbox: null, stream: 'id-2' });
});

test('an application goes on where it kept that it was, and is told when only another transport knows', async (t) => {
  const rooms = { a: { position: position(4), seq: 4 } };
  const first = bench(t, { positions: { rooms, stream: 'id-9' } });
  void first.client.connect();
  await settle();
  assert.equal(first.web.stream.headers['Last-Event-ID'], 'id-9');
  first.client.close();
  mock.timers.reset();
  const second = bench(t, { positions: { rooms } });
  const resets = [];
  second.client.on('reset', ({ room, oldestSeq }) => resets.push([room, oldestSeq]));
  await second.connect(room('a', 6));
  assert.equal(second.web.stream.headers['Last-Event-ID'], undefined);
  assert.deepEqual(resets, [['a', 7]]);
});

test('a place that the server does not take is given up', async (t) => {
  const { web, client, pass } = bench(t, { positions: { rooms: {}, stream: 'nonsense' } });
  web.refusals.push(problem(400, 'POSITION_INVALID'));
  void client.connect();
  await settle();
  await pass(500);
  assert.equal(web.stream.headers['Last-Event-ID'], undefined);
});

test('messages are sent over REST until they are accepted', async (t) => {
  const { web, client, given, pass, connect } = bench(t);
  await connect(room('a', 0), room('한 방', 0));
  web.answer = () => problem(503, 'OVERLOADED', true);
  const sent = client.send('한 방', { text: 'hi', clientId: 'c' });
  await settle();
  assert.deepEqual(web.requests[0], {
    method: 'POST',
    path: '/api/v1/rooms/%ED%95%9C%20%EB%B0%A9/messages',
    headers: { Authorization: 'Bearer token 1', 'Content-Type': 'application/json' },
    body: { text: 'hi', clientId: 'c' },
  });
  web.answer = () => Response.json({ ...message('한 방', 1).message, sender: { id: 'kim' }, clientId: 'c' }, { status: 201 });
  await pass(500);
  assert.deepEqual(await sent.accepted, accepted('한 방', 1));
  await web.tell(message('한 방', 1, { sender: { id: 'kim' }, clientId: 'c' }), 'id-1');
  assert.equal(sent.state, 'settled');
  assert.deepEqual(given, [1]);
});

test('a request whose token is refused is repeated once with another', async (t) => {
  const { web, client, tokens, connect } = bench(t);
  await connect();
  web.answer = ({ headers }) => (headers.Authorization.endsWith('1') ? problem(401, 'TOKEN_EXPIRED') : Response.json({ rooms: [] }));
  assert.deepEqual(await client.rest('GET /rooms', { limit: 5 }), { rooms: [] });
  assert.deepEqual(tokens, ['connect', 'refused']);
  web.answer = () => problem(401, 'TOKEN_REVOKED');
  await assert.rejects(client.rest('GET /rooms', {}), { code: 'TOKEN_REVOKED', retryable: false });
  assert.equal(web.requests.at(0).path, '/api/v1/rooms?limit=5');
});

test('a stream whose token is refused asks for another', async (t) => {
  const { web, client, tokens } = bench(t);
  web.refusals.push(problem(401, 'TOKEN_EXPIRED'));
  void client.connect();
  await settle();
  await web.tell(hello(), 'id-0');
  assert.equal(client.state, 'open');
  assert.equal(web.stream.headers.Authorization, 'Bearer token 2');
  await web.tell({ type: 'error', error: { code: 'TOKEN_EXPIRED', message: '', retryable: false } });
  await web.end();
  assert.deepEqual(tokens, ['connect', 'refused', 'refused']);
});

test('what ended the stream ends the client when no retry can help', async (t) => {
  const { web, client } = bench(t);
  web.refusals.push(problem(403, 'NOT_YOUR_ROOM'));
  await assert.rejects(client.connect(), { code: 'NOT_YOUR_ROOM' });
});

test('a silent stream is given up, and comments are a sign of life', async (t) => {
  const { web, client, pass, connect } = bench(t);
  await connect();
  for (let number = 0; number < 5; number += 1) {
    await pass(30_000);
    await web.write(':\n\n');
  }
  assert.equal(client.state, 'open');
  await pass(40_000);
  assert.equal(client.state, 'waiting');
});

test('what needs a WebSocket says so', async (t) => {
  const { client, connect } = bench(t);
  const errors = [];
  client.on('error', ({ code }) => errors.push(code));
  await connect(room('a', 0));
  client.watch(['lee']);
  await settle();
  assert.deepEqual(errors, ['UNSUPPORTED']);
});

test('an answer without problem details, and none at all, are errors that may pass', async (t) => {
  const { web, client, connect } = bench(t);
  await connect();
  web.answer = () => new Response('<html>', { status: 502 });
  await assert.rejects(client.rest('GET /rooms', {}), { code: 'NETWORK', retryable: true });
  web.answer = () => Promise.reject(new TypeError('fetch failed'));
  await assert.rejects(client.rest('GET /rooms', {}), { code: 'NETWORK', retryable: true });
});

test('events are the same wherever their text is cut', () => {
  const text = [
    ': comment\n\nid: 1\nevent: message\ndata: {"a":1}\n\n',
    'retry: 3000\r\n\r\ndata:one\rdata: two\r\r',
    'id\ndata:  three\n\nevent: nothing\n\nid: bad\0\ndata\ndata\n\n',
  ].join('');
  const parse = (...parts) => {
    const events = [];
    const parser = new EventParser((data, id) => events.push([data, id]));
    parts.forEach((part) => parser.push(part));
    return events;
  };
  const whole = [['{"a":1}', '1'], ['one\ntwo', '1'], [' three', ''], ['\n', '']];
  assert.deepEqual(parse(text), whole);
  for (let cut = 0; cut <= text.length; cut += 1) {
    assert.deepEqual(parse(text.slice(0, cut), text.slice(cut)), whole, `cut at ${cut}`);
  }
  assert.deepEqual(parse(...text), whole);
});
