// Two windows of the demo page in a real browser: a customer and an agent talk, and the server
// dies in between.
import assert from 'node:assert/strict';
import { openBrowser } from './browser.mjs';
import { run, url } from './support.mjs';

/** What of the page is used here, in one place. */
const page = {
  customer: '#choose button[data-role="user"]',
  agent: '#choose button[data-role="agent"]',
  connection: '#connection',
  who: '#who',
  waiting: '#waiting li',
  mine: '#mine li',
  text: '#text',
  send: '#compose button[type="submit"]',
  message: '#log li',
  notice: '#notice',
};

const faults = [];

async function openWindow(browser, role) {
  const context = await browser.newContext();
  const tab = await context.newPage();
  tab.setDefaultTimeout(30_000);
  tab.on('pageerror', (error) => faults.push(String(error)));
  await tab.goto(url);
  await tab.click(page[role]);
  await isConnected(tab);
  return tab;
}

const isConnected = (tab) => tab.locator(`${page.connection}[data-state="on"]`).waitFor();
const isCut = (tab) => tab.locator(`${page.connection}:not([data-state="on"])`).waitFor();

async function say(tab, text) {
  await tab.fill(page.text, text);
  await tab.click(page.send);
}

const sees = (tab, text) => tab.locator(page.message, { hasText: text }).waitFor();

/** What people said on the page, without the small print below each. */
const texts = (tab) =>
  tab.locator(`${page.message}:not(.event)`).evaluateAll((items) => items.map((item) => item.firstChild.textContent));

await run(async () => {
  const browser = await openBrowser();
  const customer = await openWindow(browser, 'customer');
  const name = (await customer.textContent(page.who)).split(' ')[0];
  await say(customer, '안녕하세요 ☃');
  await sees(customer, '안녕하세요 ☃');

  const agent = await openWindow(browser, 'agent');
  await agent.locator(page.waiting, { hasText: name }).locator('button').click();
  await sees(agent, '안녕하세요 ☃');
  await sees(customer, 'has taken over');
  await agent.locator(page.mine, { hasText: name }).waitFor();
  await say(agent, '무엇을 도와드릴까요?');
  await sees(customer, '무엇을 도와드릴까요?');

  console.log('kill now');
  await Promise.all([isCut(customer), isCut(agent)]);
  await say(customer, 'written while you were away');
  console.log('restart now');
  await Promise.all([isConnected(customer), isConnected(agent)]);
  await sees(agent, 'written while you were away');
  await say(agent, '<b>goodbye</b>');
  await sees(customer, '<b>goodbye</b>');
  const all = ['안녕하세요 ☃', '무엇을 도와드릴까요?', 'written while you were away', '<b>goodbye</b>'];
  for (const tab of [customer, agent]) assert.deepEqual(await texts(tab), all);
  assert.deepEqual(faults, []);
  await browser.close();
});
