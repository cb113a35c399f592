// What every client does once, told in the client's own API by an adapter. Runs in Node and in pages.
//
// An adapter's `open(credentials)` resolves to a session, or rejects with what the client reported
// of a refusal. A session has
//   stomp                          the negotiated version
//   subscribe(destination, take)   resolves when the subscription is in force
//   send(destination, text, note)  resolves when accepted, the header `note` with it
//   disconnect()                   resolves when the client has said goodbye
// `escapes: false` marks a client that writes headers as they are.

export const COUNT = 50;
const PATIENCE_MS = 30_000;

export const texts = Array.from({ length: COUNT }, (_, number) => `${number} 안녕하세요, ☃ 😀\nline 2`);
// No backslash before c, n or r: stompjs takes `\\c` on the wire for an escaped colon.
export const ODD_NOTE = 'a:b\\w\nd 가';
export const PLAIN_NOTE = 'plain 가';

export function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what}`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const equal = (have, want, what) => {
  if (have !== want) throw new Error(`${what}: ${JSON.stringify(have)}, not ${JSON.stringify(want)}`);
};

/** Opens a session with a wrong passcode; answers what the client reported. */
async function refused(adapter, login) {
  const outcome = adapter.open({ login, passcode: 'wrong' }).then(
    () => { throw new Error('a wrong passcode was let in'); },
    (reason) => String(reason?.message ?? reason),
  );
  const reason = await within(outcome, 'report of a refusal');
  if (!reason.includes('passcode is wrong')) throw new Error(`the refusal was reported as: ${reason}`);
}

/** Tells the scenario; answers its result for the table. */
export async function tell(adapter, { login, passcode, topic }) {
  const session = await within(adapter.open({ login, passcode }), 'CONNECTED');
  const note = adapter.escapes === false ? PLAIN_NOTE : ODD_NOTE;
  const arrived = [];
  let finish;
  const all = new Promise((resolve) => { finish = resolve; });
  const take = (text, its) => {
    arrived.push([text, its]);
    if (arrived.length === COUNT) finish();
  };
  await within(session.subscribe(topic, take), 'subscription');
  await within(Promise.all(texts.map((text) => session.send(topic, text, note))), 'receipts');
  await within(all, `${COUNT} messages (${arrived.length} came)`);
  arrived.forEach(([text, its], index) => {
    equal(text, texts[index], `body ${index}`);
    equal(its, note, `note ${index}`);
  });
  await within(session.disconnect(), 'goodbye');
  equal(arrived.length, COUNT, 'messages in all');
  await refused(adapter, login);
  const escapes = adapter.escapes === false ? '' : ', header escapes';
  return `STOMP ${session.stomp}, receipts${escapes}`;
}
