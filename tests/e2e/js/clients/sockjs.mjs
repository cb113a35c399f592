// sockjs-client in Node, each of its transports there forced in turn, `Stomp.over` on top.
import SockJS from 'sockjs-client';
import stompjs6 from 'stompjs6';
import { judge, url, versionOf } from './judge.mjs';
import { stompOver } from './over.mjs';

const version = `${versionOf('sockjs-client')} + stompjs ${versionOf('stompjs6')}`;

await judge(
  ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling'].map((transport) => ({
    client: 'sockjs-client in Node',
    version,
    transport: `SockJS ${transport}`,
    adapter: stompOver(stompjs6.Stomp, () => new SockJS(`${url}/ws`, null, { transports: transport, timeout: 30_000 })),
  })),
);
