// The client library in Chromium, in a page of the server's own origin, over connections that are cut.
import { readFile, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openBrowser } from '../browser.mjs';
import { run, sign, url } from '../support.mjs';
import { CuttingProxy, randomFrom } from './proxy.mjs';

const seed = Number(process.env.MADANG_E2E_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`MADANG_E2E_SEED=${seed}`);

/** The scripts that the page loads, by path. */
async function scripts() {
  const library = `${dirname(process.env.CLIENT)}/`;
  const names = (await readdir(library)).filter((name) => name.endsWith('.js'));
  const files = names.map(async (name) => [`/library/${name}`, await readFile(library + name, 'utf8')]);
  const story = await readFile(new URL('./story.mjs', import.meta.url), 'utf8');
  return new Map([['/story.mjs', story], ...(await Promise.all(files))]);
}

/** A page of the server's own, whose scripts are the test's, and whose connections go through the proxy. */
async function openPage(browser, origin) {
  const page = await browser.newPage();
  const bodies = await scripts();
  for (const [path, body] of bodies) {
    await page.route(origin + path, (route) => route.fulfill({ contentType: 'text/javascript', body }));
  }
  page.on('pageerror', (error) => console.error(error));
  await page.goto(`${origin}/healthz`);
  return page;
}

await run(async () => {
  const proxy = new CuttingProxy(url, randomFrom(seed));
  const origin = await proxy.listen();
  const browser = await openBrowser();
  const page = await openPage(browser, origin);
  await page.exposeFunction('sign', sign);
  await page.exposeFunction('cut', (isCutting) => void (proxy.isCutting = isCutting));
  await page.exposeFunction('say', (line) => console.log(line));
  const result = await page.evaluate(async (seed) => {
    const { MadangClient } = await import('/library/index.js');
    const { tell } = await import('/story.mjs');
    return tell({
      url: location.origin,
      MadangClient,
      names: ['ann', 'bob', 'cho', 'dan'].map((name) => `${name}-${seed}-page`),
      sockets: [{}, {}, {}, { transport: 'sse' }],
      token: (user) => {
        const iat = Math.floor(Date.now() / 1000);
        return window.sign({ sub: user, name: user, iat, exp: iat + 3, jti: Math.random() });
      },
      cut: window.cut,
      say: window.say,
    });
  }, seed);
  console.log('told', JSON.stringify({ ...result, cuts: proxy.cuts }));
  await browser.close();
  proxy.close();
});
