// A crowd of sockjs-client for the rolling restarts of `tests/faults`: each speaks STOMP over one transport, sends
// with client ids until it is answered, and resumes each room behind the last entry that it has.
//
// Standard input: first a line of JSON (`url`, `thinkingMs`, `people`), later a line when nothing new is to be begun;
// its end ends the process. Standard output: events as the suite's history has them, `at` in microseconds of the
// machine's monotonic clock, and the line `silent` once nothing is under way. Ends when everybody has every last word.
import diagnostics from 'node:diagnostics_channel';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { Client, ReconnectionTimeMode } from '@stomp/stompjs';
import SockJS from 'sockjs-client';

/** How long an answer may take before it is asked for on another connection. */
const ANSWER_PATIENCE_MS = 5_000;
const BEAT_MS = 2_500;
const RECONNECT_MIN_MS = 50;
const RECONNECT_MAX_MS = 1_000;

// Each request has a connection of its own: a balancer of connections sends it to the next node.
http.globalAgent = new http.Agent({ keepAlive: false });

const now = () => Number(process.hrtime.bigint() / 1_000n);
const record = (what, fields, at = now()) => process.stdout.write(`${JSON.stringify({ at, what, ...fields })}\n`);

/** Requests that failed, of whichever client: sockjs-client says no more of them than that it lost its session. */
function recordFailures() {
  const failed = ({ method, path }, how) =>
    record('unreached', { client: 'sockjs-client', why: `${method} …/${path.split('/').at(-1).split('?')[0]}: ${how}` });
  diagnostics.subscribe('http.client.request.error', ({ request, error }) => {
    // Not those that sockjs-client itself gives up, as it closes.
    if (!request.aborted) failed(request, error.code ?? error.message);
  });
  diagnostics.subscribe('http.client.response.finish', ({ request, response }) => {
    if (response.statusCode >= 300) failed(request, response.statusCode);
  });
}

class Person {
  #world;
  #name;
  #room;
  #position;
  #sender;
  #number = 0;
  #client;
  #connected = false;
  #why = '';
  /** The message under way: its name, and how to settle the attempt. */
  #attempt;
  #wake = () => {};
  #ended = withResolvers();

  constructor(world, { user, token, transport, room, position, seq }) {
    this.#world = world;
    this.#name = `${user}/sockjs-${transport}`;
    this.#sender = user;
    this.#room = room;
    this.#position = position;
    record('began', { reader: this.#name, room, behind: seq });
    this.#client = new Client({
      webSocketFactory: () => new SockJS(`${world.url}/ws`, null, { transports: transport }),
      connectHeaders: { Authorization: `Bearer ${token}` },
      connectionTimeout: ANSWER_PATIENCE_MS,
      heartbeatIncoming: BEAT_MS,
      heartbeatOutgoing: BEAT_MS,
      reconnectDelay: RECONNECT_MIN_MS * (1 + Math.random()),
      reconnectTimeMode: ReconnectionTimeMode.EXPONENTIAL,
      maxReconnectDelay: RECONNECT_MAX_MS * (0.5 + Math.random() / 2),
      onConnect: () => this.#onConnect(),
      onStompError: (frame) => this.#onError(frame),
      onWebSocketClose: (event) => this.#onClose(event),
    });
    this.#client.activate();
  }

  /** Sends one message after the other until nothing new is to be begun. */
  async write() {
    while (!this.#world.isEnding) {
      this.#number += 1;
      await this.#deliver({ room: this.#room, sender: this.#sender, number: this.#number });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * this.#world.thinkingMs));
    }
  }

  /** Until the last word is read. */
  async read() {
    await this.#ended.promise;
    await this.#client.deactivate();
  }

  #onConnect() {
    this.#connected = true;
    record('connected', { client: this.#name });
    const headers = { since: this.#position };
    this.#client.subscribe(`/rooms/${this.#room}`, (message) => this.#onMessage(message), headers);
    this.#wake();
  }

  #onMessage({ headers, body }) {
    if (headers.event) {
      record(headers.event === 'ended' ? 'ended' : 'reset', { reader: this.#name, room: this.#room });
      return;
    }
    const at = now();
    const { seq, type: kind, sender, subjects = [], text = '' } = JSON.parse(body);
    this.#position = headers.position;
    const entry = { seq, kind, sender: sender?.id ?? '', subjects: subjects.map(({ id }) => id), text };
    record('seen', { reader: this.#name, room: this.#room, entry }, at);
    if (kind === 'message' && text === `${entry.sender} 0`) this.#ended.resolve();
  }

  #onError({ headers, body }) {
    this.#why = `ERROR ${headers.code ?? ''} ${headers.message ?? ''}`;
    if (JSON.parse(body || '{}').error?.retryable === false) this.#attempt?.({ refused: headers.code ?? 'ERROR' });
  }

  #onClose({ code, reason }) {
    const why = this.#why || `${code} ${reason}`;
    record(this.#connected ? 'left' : 'unreached', { client: this.#name, why });
    this.#connected = false;
    this.#why = '';
    this.#attempt?.({});
  }

  /** By the same name again and again, until it is answered. */
  async #deliver(message) {
    for (;;) {
      if (!this.#connected) await new Promise((resolve) => (this.#wake = resolve));
      const { accepted, refused } = await this.#try(message);
      if (accepted) return record('accepted', { message, seq: null }, accepted);
      if (refused) return record('refused', { message, code: refused });
      record('unanswered', { message });
    }
  }

  #try(message) {
    const receipt = `${message.number}-${now()}`;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#why = 'no answer in time';
        this.#client.forceDisconnect();
      }, ANSWER_PATIENCE_MS);
      this.#attempt = (outcome) => {
        clearTimeout(timer);
        this.#attempt = undefined;
        resolve(outcome);
      };
      this.#client.watchForReceipt(receipt, () => this.#attempt?.({ accepted: now() }));
      record('sent', { message });
      this.#client.publish({
        destination: `/rooms/${message.room}`,
        headers: { receipt, 'client-id': `${message.number}` },
        body: JSON.stringify({ text: `${message.sender} ${message.number}` }),
      });
    });
  }
}

/** For Node below 22. */
function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();
const { people, ...world } = JSON.parse((await lines.next()).value);
recordFailures();
const crowd = people.map((person) => new Person(world, person));
const written = crowd.map((person) => person.write());
const read = crowd.map((person) => person.read());
if ((await lines.next()).done) process.exit(1);
world.isEnding = true;
// Whoever started this is gone.
lines.next().then(() => process.exit(1));
await Promise.all(written);
process.stdout.write('silent\n');
await Promise.all(read);
process.exit(0);
