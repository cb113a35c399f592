// sockjs-client in Chromium, each of its transports forced in turn, from a page of the server's own
// origin and from one of another.
import { launch, openPage, ELSEWHERE } from './chromium.mjs';
import { login, passcode, print, topic, url, versionOf } from './judge.mjs';

const TRANSPORTS = [
  'websocket', 'xhr-streaming', 'eventsource', 'iframe-eventsource', 'htmlfile', 'iframe-htmlfile',
  'xhr-polling', 'iframe-xhr-polling', 'jsonp-polling',
];
const GROUPS = [
  { origin: url, from: '', transports: TRANSPORTS },
  // The client uses htmlfile itself for pages of the server's own origin only.
  { origin: ELSEWHERE, from: ', page of another origin', transports: TRANSPORTS.filter((one) => one !== 'htmlfile') },
];
// All pages of a profile share six connections to a host, and a transport takes up to two.
const AT_ONCE = 3;
const version = `${versionOf('sockjs-client')} + stompjs ${versionOf('stompjs6')}`;
const errors = [];

async function judge(page, name, transport) {
  try {
    const where = { login, passcode, topic: `${topic}-${name.replaceAll(/\W+/g, '-')}` };
    const result = await page.run((all) => window.scenario(...all), [url, transport, where]);
    print('sockjs-client in Chromium', version, name, result);
  } catch (error) {
    errors.push(new Error(name, { cause: error }));
  }
}

async function judgeAll(browser, { origin, from, transports }) {
  const page = await openPage(browser, { origin });
  const waiting = [...transports];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await judge(page, `SockJS ${next}${from}`, next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await page.close().catch((error) => errors.push(error));
}

const browser = await launch();
await Promise.all(GROUPS.map((group) => judgeAll(browser, group)));
await browser.close();
for (const error of errors) console.error(error);
process.exit(errors.length === 0 ? 0 : 1);
