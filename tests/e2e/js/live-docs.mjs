// The page of the live doors in a real browser: everything that the document has is on it, on a
// phone too, nothing comes from elsewhere, and nothing breaks the page's own policy.
import assert from 'node:assert/strict';
import { openBrowser } from './browser.mjs';
import { run, url } from './support.mjs';

const PHONE = { width: 360, height: 740 };
const faults = [];

function watch(tab) {
  tab.setDefaultTimeout(30_000);
  tab.on('pageerror', (error) => faults.push(`error: ${error}`));
  // Violations of the Content-Security-Policy are told on the console.
  tab.on('console', (line) => {
    if (['error', 'warning'].includes(line.type())) faults.push(`console: ${line.text()}`);
  });
  tab.on('request', (request) => {
    const isOwn = request.url().startsWith(`${url}/`) || request.url().startsWith('data:');
    if (!isOwn) faults.push(`asked elsewhere: ${request.url()}`);
  });
}

const texts = (tab, selector) =>
  tab.locator(selector).evaluateAll((all) => all.map((one) => one.textContent.trim()));

/** Whether a finger has to push the page sideways. */
const overflows = (tab) =>
  tab.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

await run(async () => {
  const document = await (await fetch(`${url}/asyncapi.json`)).json();
  const channels = Object.values(document.channels);
  const browser = await openBrowser();
  const tab = await (await browser.newContext()).newPage();
  watch(tab);

  // From the REST page, by its link.
  await tab.goto(`${url}/docs`);
  await tab.click('nav a[href="/docs/asyncapi"]');
  await tab.locator('main[aria-busy="false"]').waitFor();
  await tab.locator('nav a[href="/docs"]').waitFor();

  const shown = await texts(tab, 'article.channel > h3');
  assert.deepEqual(shown.toSorted(), channels.map((channel) => channel.title).toSorted());
  const index = await texts(tab, '.index a');
  assert.deepEqual(index.toSorted(), shown.toSorted());
  const doors = await texts(tab, 'section.door > h2');
  assert.deepEqual(doors, document.info.tags.map((tag) => tag.name));
  const operations = await tab.locator('section.operation').count();
  assert.equal(operations, Object.keys(document.operations).length);
  const page = await tab.locator('main').textContent();
  for (const code of document.components.schemas.ErrorCode.enum) assert.ok(page.includes(code), code);

  // A link to an answer opens it, with its table and its example.
  await tab.click('#stompRoomsId a[href="#stomp-error"]');
  const error = tab.locator('#stomp-error[open]');
  await error.locator('td', { hasText: 'Stable name' }).first().waitFor();
  await error.locator('pre', { hasText: /^ERROR\ncode:/ }).waitFor();

  const phone = await (await browser.newContext({ viewport: PHONE, isMobile: true })).newPage();
  watch(phone);
  await phone.goto(`${url}/docs/asyncapi`);
  await phone.locator('main[aria-busy="false"]').waitFor();
  await phone.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
  assert.equal(await overflows(phone), false, 'the page is wider than a phone');
  if (process.env.SHOT) await phone.screenshot({ path: `${process.env.SHOT}/phone.png` });
  if (process.env.SHOT) await tab.screenshot({ path: `${process.env.SHOT}/page.png`, fullPage: false });

  assert.deepEqual(faults, []);
  await browser.close();
});
