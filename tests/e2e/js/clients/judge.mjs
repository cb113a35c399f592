// Runs a client's scenario in Node and prints its row of the table: client | version | transport | result.
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { tell } from './scenario.mjs';

// What a browser has by itself.
Object.assign(globalThis, { WebSocket });

// A program never outlives its test by much.
setTimeout(() => {
  console.error('the program took too long');
  process.exit(3);
}, 120_000).unref();

const { URL: url, TCP: tcp, LOGIN: login, PASSCODE: passcode, TOPIC: topic } = process.env;

export { login, passcode, topic, url };
export const socketUrl = `${url.replace('http', 'ws')}/ws`;
export const tcpAddress = () => {
  const [host, port] = tcp.split(':');
  return { host, port: Number(port) };
};

/** The version of an installed package. */
export const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url))).version;

export const print = (client, version, transport, result) =>
  console.log([client, version, transport, result].join(' | '));

/** Runs all of `cases` (`{client, version, transport, adapter}`) at once; the exit status says how they ended. */
export async function judge(cases) {
  const told = cases.map(async ({ client, version, transport, adapter }, number) => {
    try {
      const result = await tell(adapter, { login, passcode, topic: `${topic}-${number}` });
      print(client, version, transport, result);
    } catch (error) {
      throw new Error(`${client} ${version} over ${transport}`, { cause: error });
    }
  });
  const failed = (await Promise.allSettled(told)).filter((one) => one.status === 'rejected');
  for (const { reason } of failed) console.error(reason);
  process.exit(failed.length === 0 ? 0 : 1);
}
