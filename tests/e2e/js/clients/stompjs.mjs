// stompjs as its manual says: 7 with `brokerURL`, 6 and 7 through `Stomp.over`, rx-stomp on top.
import { RxStomp } from '@stomp/rx-stomp';
import { firstValueFrom } from 'rxjs';
import stompjs6 from 'stompjs6';
import * as stompjs7 from 'stompjs7';
import { judge, socketUrl, versionOf } from './judge.mjs';
import { stompOver } from './over.mjs';

const byBrokerUrl = {
  open: ({ login, passcode }) =>
    new Promise((resolve, reject) => {
      const client = new stompjs7.Client({
        brokerURL: socketUrl,
        connectHeaders: { login, passcode },
        reconnectDelay: 0,
        onConnect: (frame) => resolve(session(client, frame)),
        onStompError: (frame) => reject(new Error(frame.headers.message)),
        onWebSocketClose: (event) => reject(new Error(`closed: ${event.code}`)),
      });
      client.activate();
    }),
};

function session(client, connected) {
  let next = 0;
  const receipted = (act) =>
    new Promise((resolve) => {
      const receipt = `r${(next += 1)}`;
      client.watchForReceipt(receipt, resolve);
      act(receipt);
    });
  return {
    stomp: connected.headers.version,
    subscribe: (destination, take) =>
      receipted((receipt) => client.subscribe(destination, (message) => take(message.body, message.headers.note), { receipt })),
    send: (destination, body, note) =>
      receipted((receipt) => client.publish({ destination, body, headers: { note, receipt } })),
    // Resolves once the receipt of DISCONNECT came and the socket is closed.
    disconnect: async () => {
      let said = false;
      client.onDisconnect = () => { said = true; };
      await client.deactivate();
      if (!said) throw new Error('no receipt of DISCONNECT');
    },
  };
}

const rx = {
  open: async ({ login, passcode }) => {
    const client = new RxStomp();
    client.configure({ brokerURL: socketUrl, connectHeaders: { login, passcode }, reconnectDelay: 0 });
    const refused = firstValueFrom(client.stompErrors$).then((frame) => {
      throw new Error(frame.headers.message);
    });
    refused.catch(() => {});
    const connected = firstValueFrom(client.serverHeaders$);
    client.activate();
    const headers = await Promise.race([connected, refused]);
    return rxSession(client, headers);
  },
};

function rxSession(client, connected) {
  let next = 0;
  const receipted = (act) => {
    const receipt = `r${(next += 1)}`;
    const came = client.asyncReceipt(receipt);
    act(receipt);
    return came;
  };
  return {
    stomp: connected.version,
    subscribe: (destination, take) =>
      receipted((receipt) =>
        client.watch({ destination, subHeaders: { receipt } }).subscribe((message) => take(message.body, message.headers.note))),
    send: (destination, body, note) =>
      receipted((receipt) => client.publish({ destination, body, headers: { note, receipt } })),
    disconnect: () => client.deactivate(),
  };
}

const given = (Stomp) => stompOver(Stomp, () => new WebSocket(socketUrl, ['v12.stomp', 'v11.stomp', 'v10.stomp']));

await judge([
  { client: '@stomp/stompjs', version: versionOf('stompjs6'), transport: 'WebSocket, `Stomp.over`', adapter: given(stompjs6.Stomp) },
  { client: '@stomp/stompjs', version: versionOf('stompjs7'), transport: 'WebSocket, `brokerURL`', adapter: byBrokerUrl },
  { client: '@stomp/stompjs', version: versionOf('stompjs7'), transport: 'WebSocket, `Stomp.over`', adapter: given(stompjs7.Stomp) },
  { client: '@stomp/rx-stomp', version: versionOf('@stomp/rx-stomp'), transport: 'WebSocket', adapter: rx },
]);
