// Contract 1 told by its two front ends in a browser: a customer and an agent, with WebSocket and
// without, from the server's own origin and from another.
import assert from 'node:assert/strict';
import { launch, openPage, ELSEWHERE } from './chromium.mjs';
import { print, url, versionOf } from './judge.mjs';
import { sign } from '../support.mjs';

// A busy machine needs more than the round trips that the client allows a transport; without it
// another transport would be tried.
const PATIENT = { timeout: 30_000 };
const AGENT_NAME = '상담원';
// What a browser behind a proxy that knows no WebSocket is left with.
const withoutWebSocket = () => { delete window.WebSocket; };
const FALLBACKS = ['xhr-streaming', 'iframe-eventsource', 'xhr-polling'];

const VERSIONS = ['sockjs-client', 'stompjs6', 'stompjs7', 'axios']
  .map((name) => `${name.replace(/[67]$/, '')} ${versionOf(name)}`).join(', ');

const CASES = [
  { name: 'SockJS, WebSocket at hand', origin: url, transport: 'websocket' },
  { name: 'SockJS, no WebSocket', origin: url, before: withoutWebSocket, options: PATIENT, transport: 'xhr-streaming' },
  { name: 'SockJS, no WebSocket, `transports` given', origin: url, before: withoutWebSocket, options: { transports: FALLBACKS, ...PATIENT }, transport: 'xhr-streaming' },
  { name: 'SockJS, page of another origin', origin: ELSEWHERE, transport: 'websocket' },
  { name: 'SockJS, page of another origin, no WebSocket', origin: ELSEWHERE, before: withoutWebSocket, options: PATIENT, transport: 'xhr-streaming' },
];

/** One of the two pages: its steps are those of desk-pages.mjs. */
async function open(browser, role, one, stomp) {
  const page = await openPage(browser, { origin: one.origin, before: one.before, stomp });
  const call = (step, ...all) => page.run(async ([as, name, given]) => {
    // What `subscribe` answers is the library's own object, which cannot leave the page.
    const answer = await window[as][name](...given);
    return ['subscribe', 'send', 'unsubscribe', 'complete'].includes(name) ? null : answer;
  }, [role, step, all]);
  return { call, close: page.close };
}

function check(body, room, sender, message) {
  const { sendDate, ...rest } = body;
  assert.deepEqual(rest, { roomId: room, sender, message });
  assert.match(sendDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+$/);
}

async function tell(browser, one, number) {
  const room = `browser-${number}@example.com`;
  const token = sign({ sub: room, id: 100 + number, auth: 'ROLE_USER', nickname: '김' });
  const agentToken = sign({ sub: `agent-${number}@desk`, id: 1, auth: 'ROLE_ADMIN' });
  const customer = await open(browser, 'customer', one, 'stompjs6');
  const agent = await open(browser, 'agent', one, 'stompjs7');
  const both = async (sender, message) => {
    for (const page of [customer, agent]) check(await page.call('next'), room, sender, message);
  };

  await assert.rejects(customer.call('connect', url, 'a.bad.token', one.options), /token/i);
  assert.equal(await customer.call('connect', url, token, one.options), one.transport);
  await customer.call('subscribe', room, token);
  await customer.call('send', room, token, '안녕하세요: \\ ☃');
  check(await customer.call('next'), room, room, '안녕하세요: \\ ☃');

  const rooms = await agent.call('waiting', url, agentToken);
  assert.deepEqual(rooms.filter((entry) => entry.roomId === room).map((entry) => entry.nickname), ['김']);
  assert.equal(await agent.call('connect', url, agentToken, one.options), one.transport);
  await agent.call('subscribe', room, agentToken);
  await agent.call('send', room, agentToken, '무엇을 도와드릴까요?');
  await both(AGENT_NAME, '무엇을 도와드릴까요?');
  await customer.call('send', room, token, '강의가 안 열려요');
  await both(room, '강의가 안 열려요');
  assert.equal((await agent.call('history', url, room, agentToken)).length, 3);

  await customer.call('unsubscribe', room);
  await customer.call('send', room, token, 'nobody here hears this');
  check(await agent.call('next'), room, room, 'nobody here hears this');
  await customer.call('subscribe', room, token);
  await customer.call('send', room, token, 'heard again');
  await both(room, 'heard again');
  assert.equal((await customer.call('history', url, token)).length, 5);
  await agent.call('complete', url, room, agentToken);
  for (const page of [customer, agent]) {
    await page.call('disconnect');
    await page.close();
  }
  print('support desk front ends in Chromium', VERSIONS, one.name, `the whole story, over ${one.transport}`);
}

const browser = await launch();
const told = CASES.map((one, number) =>
  tell(browser, one, number).catch((error) => { throw new Error(one.name, { cause: error }); }));
const failed = (await Promise.allSettled(told)).filter((one) => one.status === 'rejected');
await browser.close();
for (const { reason } of failed) console.error(reason);
process.exit(failed.length === 0 ? 0 : 1);
