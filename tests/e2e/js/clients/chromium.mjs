// What the browser programs share: pages of the server's own origin and of a second one, with the
// libraries from the registry as their `<script>`s.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { url } from './judge.mjs';

// A page that comes from elsewhere than the server, which knows the origin from its configuration.
export const ELSEWHERE = 'http://front.localhost:5173';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  // Our pages come from nowhere, so that the browser would take the server for one of a private network.
  '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets',
];
const FOLDER = '/front-end-under-test';
const local = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const script = (path) => ({ contentType: 'text/javascript; charset=utf-8', body: local(path) });
const SOCKJS = script('../node_modules/sockjs-client/dist/sockjs.min.js');

const files = (stomp) => ({
  'page.html': { contentType: 'text/html; charset=utf-8', body: local('page.html') },
  'sockjs.js': SOCKJS,
  'stomp.js': script(`../node_modules/${stomp}/bundles/stomp.umd.min.js`),
  'axios.js': script('../node_modules/axios/dist/axios.min.js'),
  'scenario.mjs': script('scenario.mjs'),
  'over.mjs': script('over.mjs'),
  'desk-pages.mjs': script('desk-pages.mjs'),
  'community-page.mjs': script('community-page.mjs'),
});

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });

/** A page in a profile of its own: else all pages share six connections to a host. */
export async function openPage(browser, { origin = url, stomp = 'stompjs6', before = () => {}, cookie } = {}) {
  const context = await browser.newContext();
  if (cookie) await context.addCookies([{ ...cookie, url: origin }]);
  const served = files(stomp);
  await context.route(`${origin}${FOLDER}/*`, (route) =>
    route.fulfill(served[new URL(route.request().url()).pathname.split('/').pop()]));
  // Where the iframe transports may load the client's other half from.
  await context.route('https://cdn.jsdelivr.net/**', (route) => route.fulfill(SOCKJS));
  await context.addInitScript(before);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  const isLoaded = () => page.waitForFunction(() => 'scenario' in window);
  await page.goto(`${origin}${FOLDER}/page.html`);
  await isLoaded();
  return {
    run: (what, argument) => page.evaluate(what, argument),
    reload: async () => {
      await page.reload();
      await isLoaded();
    },
    close: async () => {
      await context.close();
      if (faults.length > 0) throw new Error(faults.join('; '));
    },
  };
}
