// stompit, over TCP.
import stompit from 'stompit';
import { judge, tcpAddress, versionOf } from './judge.mjs';

const adapter = {
  open: ({ login, passcode }) =>
    new Promise((resolve, reject) => {
      const connectHeaders = { host: '/', login, passcode, 'heart-beat': '5000,5000' };
      const client = stompit.connect({ ...tcpAddress(), connectHeaders }, (error) => {
        if (error) reject(error);
        else resolve(session(client));
      });
    }),
};

function session(client) {
  const failed = new Promise((_, reject) => { client.on('error', reject); });
  failed.catch(() => {});
  const receipted = (act) => Promise.race([failed, new Promise((onReceipt) => act({ onReceipt }))]);
  const take = (message, taker) =>
    message.readString('utf-8', (error, text) => {
      if (error) throw error;
      taker(text, message.headers.note);
    });
  return {
    stomp: client.headers.version,
    subscribe: async (destination, taker) => {
      client.subscribe({ destination, ack: 'auto' }, (error, message) => {
        if (error) throw error;
        take(message, taker);
      });
      // It asks for no receipt of SUBSCRIBE; a frame after it is answered after it.
      await receipted((options) => client.begin('fence').abort(options));
    },
    send: (destination, text, note) =>
      receipted((options) => client.sendString({ destination, note }, text, options)),
    disconnect: () =>
      new Promise((resolve, reject) => client.disconnect((error) => (error ? reject(error) : resolve()))),
  };
}

await judge([{ client: 'stompit', version: versionOf('stompit'), transport: 'TCP', adapter }]);
