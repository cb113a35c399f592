// The support desk's whole story, as its pages tell it. VERSION says with which stompjs.
import assert from 'node:assert/strict';
import { Person, run, sign, url } from './support.mjs';

const version = Number(process.env.VERSION);
const email = `kim-${version}@example.com`;
const room = `/sub/chat/room/${email}`;
const LOCAL_DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+$/;
const AGENT_NAME = '상담원';

const customer = new Person('kim', sign({ sub: email, id: 17, auth: 'ROLE_USER', nickname: '김' }), version);
const lee = new Person('lee', sign({ sub: `lee-${version}@desk`, id: 1, auth: 'ROLE_USER,ROLE_ADMIN' }), version);
const park = new Person('park', sign({ sub: `park-${version}@desk`, id: 2, auth: 'ROLE_ADMIN' }), version);

function checkMessage(message, sender, text) {
  const body = JSON.parse(message.body);
  assert.deepEqual(Object.keys(body).sort(), ['message', 'roomId', 'sendDate', 'sender']);
  assert.equal(body.roomId, email);
  assert.equal(body.sender, sender);
  assert.equal(body.message, text);
  assert.match(body.sendDate, LOCAL_DATE_TIME);
  return body;
}

function checkError(answer, status, code, message) {
  assert.equal(answer.status, status);
  assert.deepEqual(answer.body, { data: null, code: status, status: code, message });
}

const waiting = async (agent) => {
  const list = await agent.rest('GET', '/admin/chats');
  assert.equal(list.status, 200);
  assert.equal(list.body.message, '미할당 채팅방 목록 조회 성공');
  return list.body.data.filter((one) => one.roomId === email);
};

const assigned = async (agent) => {
  const list = await agent.rest('GET', '/admin/chats/my-rooms');
  assert.equal(list.status, 200);
  assert.equal(list.body.message, '자신이 참여한 채팅방 목록 조회 성공');
  return list.body.data.map((one) => one.roomId);
};

async function theCustomerAsks() {
  checkError(await customer.rest('GET', '/user/chats/my-rooms?page=1'), 400, 'CHAT-400', '유효하지 않은 채팅방입니다.');
  await customer.connect();
  const inbox = await customer.subscribe(room);
  await customer.say(email, '안녕하세요');
  const asked = await inbox.take();
  assert.equal(asked.headers.destination, room);
  assert.ok(asked.headers.position);
  checkMessage(asked, email, '안녕하세요');
  return inbox;
}

async function oneAgentTakesTheRoom(customerInbox) {
  const [entry] = await waiting(lee);
  assert.deepEqual(Object.keys(entry), ['roomId', 'memberId', 'nickname', 'inquireDate']);
  assert.equal(String(entry.memberId), '17');
  assert.equal(entry.nickname, '김');
  assert.match(entry.inquireDate, LOCAL_DATE_TIME);
  await lee.connect();
  const inbox = await lee.subscribe(room);
  assert.deepEqual(await waiting(lee), []);
  assert.deepEqual(await assigned(lee), [email]);

  await park.connect();
  park.trySubscribe(room);
  const error = await park.errors.take('ERROR for park');
  assert.equal(error.headers.code, 'CHAT-409');
  assert.ok(error.headers.message.endsWith('이미 채팅이 배정되었습니다.'));
  await park.closes.take('close for park');
  assert.deepEqual(await assigned(park), []);

  await lee.say(email, '무엇을 도와드릴까요?');
  for (const one of [inbox, customerInbox]) checkMessage(await one.take(), AGENT_NAME, '무엇을 도와드릴까요?');
  await customer.say(email, '강의가 안 열려요');
  for (const one of [inbox, customerInbox]) checkMessage(await one.take(), email, '강의가 안 열려요');
  return inbox;
}

async function strangersStayOutside() {
  const stranger = new Person('choi', sign({ sub: 'choi@x', id: 3, auth: 'ROLE_USER' }), version);
  await stranger.connect();
  stranger.trySubscribe(room);
  assert.equal((await stranger.errors.take()).headers.code, 'CHAT-400');
  await stranger.connect();
  stranger.publish('/pub/message', JSON.stringify({ roomId: email, message: 'x' }));
  assert.equal((await stranger.errors.take()).headers.code, 'CHAT-400');
  await park.connect();
  park.trySubscribe('/sub/chat/room/nobody@nowhere');
  assert.equal((await park.errors.take()).headers.code, 'CHAT-400');
  const forbidden = await stranger.rest('GET', '/admin/chats');
  assert.equal(forbidden.status, 403);
  checkError(await park.rest('GET', `/admin/chats/${email}?page=1`), 400, 'CHAT-400', '유효하지 않은 채팅방입니다.');
}

async function theHistoryIsPaged() {
  for (let number = 0; number < 20; number += 1) await customer.say(email, `m${number}`);
  const first = await customer.rest('GET', '/user/chats/my-rooms?page=1');
  const { data, pageInfo, ...rest } = first.body;
  assert.deepEqual(rest, { code: 200, status: 'OK', message: '채팅 메시지 조회 성공' });
  assert.deepEqual(data.map((one) => one.message), Array.from({ length: 20 }, (_, i) => `m${i}`));
  for (const one of data) assert.deepEqual(Object.keys(one), ['roomId', 'sender', 'message', 'sendDate']);
  assert.deepEqual(pageInfo, { page: 1, size: 20, totalPage: 2, totalSize: 23, first: true, last: false, hasNext: true, hasPrevious: false });
  assert.ok(first.text.startsWith('{"data":[{"roomId":"'), 'fields in their order, no spaces');
  assert.ok(first.text.includes('"code":200,"status":"OK","message":"채팅 메시지 조회 성공"'));
  const second = await customer.rest('GET', '/user/chats/my-rooms?page=2');
  assert.deepEqual(second.body.data.map((one) => one.message), ['안녕하세요', '무엇을 도와드릴까요?', '강의가 안 열려요']);
  assert.equal(second.body.data[1].sender, AGENT_NAME);
  assert.deepEqual(second.body.pageInfo, { page: 2, size: 20, totalPage: 2, totalSize: 23, first: false, last: true, hasNext: false, hasPrevious: true });
  const beyond = await customer.rest('GET', '/user/chats/my-rooms?page=3');
  assert.deepEqual([beyond.status, beyond.body.data], [200, []]);
  assert.equal((await customer.rest('GET', '/user/chats/my-rooms?page=0')).status, 400);
  const agents = await lee.rest('GET', `/admin/chats/${email}?page=1`);
  assert.deepEqual(agents.body.data, data);
}

async function unsubscribingByDestinationIsNoError(customerInbox) {
  while (customerInbox.length > 0) await customerInbox.take();
  // These pages send the destination where the id belongs.
  customer.client.unsubscribe(room);
  customer.client.unsubscribe('/sub/chat/room/never-subscribed');
  await customer.say(email, 'nobody hears');
  const again = await customer.subscribe(room);
  await customer.say(email, 'heard again');
  checkMessage(await again.take(), email, 'heard again');
  assert.equal(customerInbox.length, 0, 'nothing after UNSUBSCRIBE');
}

async function theRoomIsCompletedAndReopened() {
  const done = await lee.rest('PATCH', `/admin/chats/${email}`);
  assert.deepEqual([done.status, done.text], [204, '']);
  assert.deepEqual([await assigned(lee), await waiting(lee)], [[], []]);
  assert.equal((await lee.rest('PATCH', `/admin/chats/${email}`)).status, 400);
  await customer.say(email, '하나 더요');
  assert.equal((await waiting(park)).length, 1);
  await park.connect();
  await park.subscribe(room);
  assert.deepEqual(await assigned(park), [email]);
}

async function theCustomerLeaves() {
  const left = await customer.rest('DELETE', '/user/chats');
  assert.deepEqual([left.status, left.text], [204, '']);
  assert.equal((await customer.rest('GET', '/user/chats/my-rooms?page=1')).status, 400);
  assert.deepEqual([await assigned(park), await waiting(park)], [[], []]);
}

async function expiredTokensAreNamed() {
  const token = sign({ sub: email, id: 17, auth: 'ROLE_USER', exp: 1_600_000_000 });
  const answer = await fetch(`${url}/user/chats/my-rooms?page=1`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 401);
  assert.equal((await answer.json()).message, '만료된 토큰입니다.');
}

await run(async () => {
  const customerInbox = await theCustomerAsks();
  await oneAgentTakesTheRoom(customerInbox);
  await strangersStayOutside();
  await theHistoryIsPaged();
  await unsubscribingByDestinationIsNoError(customerInbox);
  await theRoomIsCompletedAndReopened();
  await theCustomerLeaves();
  await expiredTokensAreNamed();
});
