// The examples of the guide and of the README are what the compiler takes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What an example takes for granted: of the application, or of an example before it. */
const GRANTED = `
import { MadangClient, type Message, type Positions } from '@madang/client';
declare const client: MadangClient;
declare const id: string, url: string, newestSeen: Message;
declare const token: () => string, yourToken: () => string;
declare function oldestShown(id: string): number | undefined;
declare function show(message: Message): void;
declare function handle(message: Message): Promise<void>;
declare function remove(id: string): void;
declare function showPending(...values: unknown[]): void;
declare const showRefused: typeof showPending, showReadBy: typeof showPending, showTyping: typeof showPending;
declare const showOnline: typeof showPending;
`;

test('the examples of the documents compile', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'examples-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = ['../README.md', '../../../docs/client.md'].flatMap((document) => {
    const text = readFileSync(at(document), 'utf8');
    return [...text.matchAll(/```js\n(.*?)```/gs)].map(([, example], index) => {
      const body = example.replace(/^import .*$/gm, '');
      const name = `${folder}/${document.replaceAll(/\W+/g, '-')}${index}.mts`;
      writeFileSync(name, `${GRANTED}\nexport async function example() {\n${body}\n}\n`);
      return name;
    });
  });
  assert.ok(files.length > 8);
  const config = { extends: at('./tsconfig.json'), include: ['*.mts'] };
  // Examples name what they do not use.
  config.compilerOptions = { noUnusedLocals: false, rootDir: '/', paths: { '@madang/client': [at('../dist/index.d.ts')] } };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(config));
  const tsc = at('../node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '--project', folder], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
