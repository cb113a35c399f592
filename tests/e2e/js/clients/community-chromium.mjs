// Contract 2 told by its front end in a browser: an open room, a trade and notifications, each
// between two people, with the token out of the cookie, and over cuts of the connection.
import assert from 'node:assert/strict';
import { ELSEWHERE, launch, openPage } from './chromium.mjs';
import { print, url, versionOf } from './judge.mjs';
import { sign } from '../support.mjs';
import { Cuttable } from './cuttable.mjs';

const VERSIONS = ['stompjs7', 'axios'].map((name) => `${name.replace(/7$/, '')} ${versionOf(name)}`).join(', ');
const CAME_IN = '님이 채팅방에 참여하였습니다.';
const LOCAL_DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;

const CASES = [
  { name: 'cookie copied into CONNECT', cookie: (token) => token, copies: true },
  { name: 'cookie `Bearer%20…` copied into CONNECT', cookie: (token) => `Bearer%20${token}`, copies: true },
  { name: 'cookie of the handshake alone', cookie: (token) => `Bearer%20${token}`, copies: false },
  { name: 'page of another origin', cookie: (token) => `Bearer%20${token}`, copies: true, isElsewhere: true },
];

/** One person's page: its steps are those of community-page.mjs. */
class Person {
  constructor(id, name) {
    Object.assign(this, { id, name });
  }

  async open(browser, server, one) {
    this.server = server;
    this.one = one;
    const token = sign({ sub: this.id, auth: 'ROLE_USER', nickname: this.name });
    this.page = await openPage(browser, {
      origin: one.isElsewhere ? ELSEWHERE : server,
      stomp: 'stompjs7',
      cookie: { name: 'Authorization', value: one.cookie(token) },
    });
    await this.connect();
    return this;
  }

  async connect() {
    const { copies, isElsewhere: asks = false } = this.one;
    assert.equal(await this.do('connect', this.server, { copies, asks }), 'connected');
  }

  do(step, ...all) {
    return this.page.run(async ([name, given]) => {
      const answer = await window.community[name](...given);
      // What subscribing and the like answer are the library's own objects.
      return ['enter', 'listenTo', 'disconnect'].includes(name) ? null : answer;
    }, [step, all]);
  }

  async hears(expected) {
    assert.deepEqual(await this.do('heard'), expected);
  }

  /** The page is loaded anew: all that it knew is gone. */
  async reload() {
    await this.page.reload();
    await this.connect();
  }
}

async function theyMeetInAnOpenRoom(kim, lee, server) {
  const title = `산책 모임 ${kim.id}`;
  const made = await kim.do('create', title, '매일 저녁 7시');
  assert.deepEqual(made, { msg: '오픈채팅방 생성 성공', statusCode: 201 });
  const found = (await lee.do('rooms')).find((one) => one.title === title);
  assert.deepEqual(found, { id: found.id, title, content: '매일 저녁 7시', username: kim.name });
  const roomId = String(found.id);
  const entered = (person) => ({ kind: 'enter', roomId, sender: person.name, message: person.name + CAME_IN });
  const said = (person, message) => ({ kind: 'chat', roomId, sender: person.name, message });

  // The owner belongs to it already: subscribers are told, and nothing is stored.
  await kim.do('enter', roomId, kim.name);
  await kim.hears(entered(kim));
  await lee.do('enter', roomId, lee.name);
  for (const person of [kim, lee]) await person.hears(entered(lee));
  await lee.do('say', roomId, lee.name, '안녕하세요 ☃');
  await kim.do('say', roomId, '남의 이름', '반갑습니다');
  const [here, there] = [[], []];
  for (const [person, heard] of [[kim, here], [lee, there]]) {
    heard.push(await person.do('heard'), await person.do('heard'));
  }
  assert.deepEqual(here, there, 'the same order for both');
  const byText = (one, other) => one.message.localeCompare(other.message);
  const expected = [said(lee, '안녕하세요 ☃'), said(kim, '반갑습니다')];
  assert.deepEqual(here.sort(byText), expected.sort(byText));

  // A reload knows nothing but what the server has.
  await lee.reload();
  const history = await lee.do('history', roomId);
  assert.deepEqual(history.map((one) => one.message).sort(), ['반갑습니다', '안녕하세요 ☃']);
  for (const one of history) assert.match(one.createdAt, LOCAL_DATE_TIME);
  await lee.do('enter', roomId, lee.name);
  for (const person of [kim, lee]) await person.hears(entered(lee));
  await kim.do('say', roomId, kim.name, '다시 왔네요');
  for (const person of [kim, lee]) await person.hears(said(kim, '다시 왔네요'));

  if (server) await theConnectionIsCut(kim, lee, server, { roomId, said, entered });
  await assert.rejects(lee.do('remove', roomId), /403/);
  assert.equal((await kim.do('edit', roomId, `${title}!`, '주말만')).statusCode, 200);
  assert.equal((await kim.do('remove', roomId)).msg, '오픈채팅방 삭제 성공');
  assert.ok(!(await lee.do('rooms')).some((one) => one.title.startsWith(title)));
}

/** Lee's connection breaks; what is said meanwhile is there when it is back. */
async function theConnectionIsCut(kim, lee, server, { roomId, said, entered }) {
  await server.cut();
  await kim.do('say', roomId, kim.name, '거기 있어요?');
  await kim.hears(said(kim, '거기 있어요?'));
  server.mend();
  assert.equal(await lee.do('reconnected'), 'connected');
  assert.equal((await lee.do('history', roomId)).at(-1).message, '거기 있어요?');
  await lee.do('enter', roomId, lee.name);
  for (const person of [kim, lee]) await person.hears(entered(lee));
}

async function theyTrade(kim, lee) {
  const item = `${100_000 + Number(kim.id.match(/\d+/)[0])}`;
  assert.equal((await kim.do('trade', item, lee.id)).statusCode, 201);
  assert.equal((await kim.do('trade', item, lee.id)).statusCode, 200);
  const mine = async (person) => (await person.do('trades')).filter((one) => String(one.tradeId) === item);
  const [trade] = await mine(kim);
  assert.deepEqual(trade, { tradeId: Number(item), buyerId: kim.id, sellerId: lee.id, roomId: trade.roomId });
  assert.deepEqual(await mine(lee), [trade]);
  const said = (person, message, roomId) => ({ kind: 'trade', roomId, sender: person.name, message });

  await kim.do('listenTo', item);
  await kim.do('sayInTrade', item, kim.name, '아직 있나요?');
  await kim.hears(said(kim, '아직 있나요?', item));
  await lee.do('listenTo', trade.roomId);
  await lee.do('sayInTrade', trade.roomId, lee.name, '네, 있어요');
  await lee.hears(said(lee, '네, 있어요', trade.roomId));
  await kim.hears(said(lee, '네, 있어요', item));
  const history = await lee.do('tradeHistory', item);
  assert.deepEqual(history.map((one) => [one.sender, one.message]), [[kim.name, '아직 있나요?'], [lee.name, '네, 있어요']]);
  assert.equal((await lee.do('endTrade', item)).statusCode, 200);
  assert.deepEqual(await mine(kim), []);
}

/** Lee is told of trades while connected, and of those that began while the connection was broken. */
async function theSellerIsNotified(kim, lee, server) {
  const number = Number(kim.id.match(/\d+/)[0]);
  const opens = async (item) => assert.equal((await kim.do('trade', `${item}-${number}`, lee.id)).statusCode, 201);
  const before = (await lee.do('listed')).length;
  await lee.do('notifications');
  const first = await lee.do('event');
  assert.equal(first.data, 'connected');
  assert.ok(first.lastEventId.startsWith(`${lee.id}_`), first.lastEventId);
  await opens('one');
  const told = async () => JSON.parse((await lee.do('event')).data);
  const one = await told();
  assert.equal(one.content, `${kim.name}님이 거래 채팅을 시작했습니다.`);
  assert.deepEqual([one.type, one.isRead], ['trade.opened', false]);

  await server.cut();
  await opens('two');
  await opens('three');
  server.mend();
  assert.equal((await lee.do('event')).data, 'connected');
  const missed = [await told(), await told()];
  await opens('four');
  const last = await told();
  const listed = await lee.do('listed');
  assert.deepEqual(listed.slice(0, listed.length - before), [last, ...missed.reverse(), one]);

  assert.equal((await lee.do('read', one.id)).statusCode, 200);
  assert.equal((await lee.do('forget', last.id)).statusCode, 200);
  const after = await lee.do('listed');
  assert.equal(after.length, listed.length - 1);
  assert.equal(after.find((entry) => entry.id === one.id).isRead, true);
  await lee.do('stopEvents');
}

async function tell(browser, one, number) {
  const server = one.isElsewhere ? null : await Cuttable.before(url);
  const kim = await new Person(`kim-${number}@example.com`, `초코맘${number}`).open(browser, url, one);
  const lee = await new Person(`lee-${number}@example.com`, `콩이네${number}`).open(browser, server?.url ?? url, one);
  await theyMeetInAnOpenRoom(kim, lee, server);
  await theyTrade(kim, lee);
  // An EventSource sends no header, and browsers no cookie to another site.
  if (server) await theSellerIsNotified(kim, lee, server);
  for (const person of [kim, lee]) {
    await person.do('disconnect');
    await person.page.close();
  }
  const told = server ? 'open room, trade, notifications, over cuts' : 'open room, trade';
  print('community front ends in Chromium', VERSIONS, `WebSocket at \`/stomp/chat\`, ${one.name}`, told);
}

const browser = await launch();
const told = CASES.map((one, number) =>
  tell(browser, one, number).catch((error) => { throw new Error(one.name, { cause: error }); }));
const failed = (await Promise.allSettled(told)).filter((one) => one.status === 'rejected');
await browser.close();
for (const { reason } of failed) console.error(reason);
process.exit(failed.length === 0 ? 0 : 1);
