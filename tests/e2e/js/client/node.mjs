// The client library under Node: over the package `ws`, over Node's own WebSocket, and over server-sent events.
import { WebSocket } from 'ws';
import { run, sign, url } from '../support.mjs';
import { CuttingProxy, randomFrom } from './proxy.mjs';
import { tell } from './story.mjs';

const { MadangClient } = await import(process.env.CLIENT);
const seed = Number(process.env.MADANG_E2E_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`MADANG_E2E_SEED=${seed}`);

await run(async () => {
  const proxy = new CuttingProxy(url, randomFrom(seed));
  const own = process.env.OWN_WEBSOCKET ? {} : { WebSocket };
  const { messages, report } = await tell({
    url: await proxy.listen(),
    MadangClient,
    names: ['ann', 'bob', 'cho', 'dan'].map((name) => `${name}-${seed}`),
    sockets: [{ WebSocket }, own, { WebSocket }, { transport: 'sse' }],
    token: (user) => {
      const iat = Math.floor(Date.now() / 1000);
      return sign({ sub: user, name: user, iat, exp: iat + 3, jti: Math.random() });
    },
    cut: (isCutting) => (proxy.isCutting = isCutting),
    say: (line) => console.log(line),
  });
  console.log('told', JSON.stringify({ messages, cuts: proxy.cuts, report }));
  proxy.close();
});
