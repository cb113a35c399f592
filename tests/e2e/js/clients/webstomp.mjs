// webstomp-client: writes headers as they are, at every version.
import webstomp from 'webstomp-client';
import { judge, socketUrl, versionOf } from './judge.mjs';

const adapter = {
  escapes: false,
  open: ({ login, passcode }) =>
    new Promise((resolve, reject) => {
      const client = webstomp.client(socketUrl, { debug: false });
      client.connect(
        { login, passcode },
        (frame) => resolve(session(client, frame)),
        (frame) => reject(new Error(frame.headers?.message ?? `closed: ${frame.code}`)),
      );
    }),
};

function session(client, connected) {
  let next = 0;
  const waiting = new Map();
  client.onreceipt = (frame) => waiting.get(frame.headers['receipt-id'])();
  const receipted = (act) =>
    new Promise((resolve) => {
      const receipt = `r${(next += 1)}`;
      waiting.set(receipt, resolve);
      act(receipt);
    });
  return {
    stomp: connected.headers.version,
    subscribe: (destination, take) =>
      receipted((receipt) => client.subscribe(destination, (message) => take(message.body, message.headers.note), { receipt })),
    send: (destination, text, note) => receipted((receipt) => client.send(destination, text, { note, receipt })),
    disconnect: () => new Promise((resolve) => client.disconnect(resolve)),
  };
}

await judge([{ client: 'webstomp-client', version: versionOf('webstomp-client'), transport: 'WebSocket', adapter }]);
