// The example of the client library's README, as it stands there.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import { run, sign, url } from '../support.mjs';

const library = process.env.CLIENT;
const readme = await readFile(join(library, '../../README.md'), 'utf8');

await run(async () => {
  const [, example] = /```js\n(.*?)```/s.exec(readme);
  const here = example
    .replace("'@madang/client'", JSON.stringify(pathToFileURL(library).href))
    .replace('http://127.0.0.1:8080', url);
  assert.equal(here.match(/\S.*/g).length <= 10, true, 'ten lines');
  // As Node has it from version 22 on.
  globalThis.WebSocket ??= WebSocket;
  globalThis.yourToken = () => sign({ sub: 'kim', name: 'Kim' });
  const printed = [];
  const print = console.log;
  const done = new Promise((resolve) => {
    console.log = (...values) => printed.push(values.join(' ')) === 2 && resolve();
  });
  const folder = await mkdtemp(join(tmpdir(), 'readme-'));
  await writeFile(join(folder, 'example.mjs'), here);
  await import(pathToFileURL(join(folder, 'example.mjs')));
  await done;
  console.log = print;
  await rm(folder, { recursive: true });
  assert.deepEqual(printed.sort(), ['kim 1 Kim hello', 'on disk as 1']);
});
