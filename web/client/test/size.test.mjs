// The library stays small. Minified it has about 70% of what is weighed here.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

const BYTES_MAX = 15_000;

test('the library is small', () => {
  const folder = new URL('../dist/', import.meta.url);
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.js'));
  const text = scripts.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('');
  const bytes = gzipSync(text.replaceAll(/^\s*(\/\/|\/?\*).*\n/gm, ''), { level: 9 }).length;
  assert.ok(bytes < BYTES_MAX, `${bytes} bytes`);
});
