// The support desk's two pages, written as their front ends are: SockJS, `Stomp.over`, axios.
/* global SockJS, StompJs, axios */

let client;
let inbox = [];
let waiting = [];

const received = (body) => {
  const taker = waiting.shift();
  if (taker) taker(body);
  else inbox.push(body);
};

const next = () =>
  new Promise((resolve) => {
    if (inbox.length > 0) resolve(inbox.shift());
    else waiting.push(resolve);
  });

function connect(base, token, options) {
  const sock = new SockJS(`${base}/ws`, null, options);
  client = StompJs.Stomp.over(sock);
  client.debug = () => {};
  const headers = { Authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    client.connect(headers, () => resolve(sock.transport), (frame) => reject(new Error(frame.headers?.message ?? 'closed')));
  });
}

const subscribe = (room, token) =>
  client.subscribe(`/sub/chat/room/${room}`, (message) => received(JSON.parse(message.body)), { Authorization: `Bearer ${token}` });

const send = (room, token, message) =>
  client.send('/pub/message', { Authorization: `Bearer ${token}` }, JSON.stringify({ roomId: room, message }));

// These front ends give the destination where the client wants the subscription's id.
const unsubscribe = (room) => client.unsubscribe(`/sub/chat/room/${room}`);

const disconnect = () => new Promise((resolve) => client.disconnect(resolve));

const get = async (base, path, token) =>
  (await axios.get(base + path, { headers: { Authorization: `Bearer ${token}` } })).data.data;

/** The customer's page: each step is called by the test. */
export const customer = {
  connect, subscribe, send, unsubscribe, disconnect, next,
  history: (base, token) => get(base, '/user/chats/my-rooms?page=1', token),
};

/** The agent's page. */
export const agent = {
  connect, subscribe, send, unsubscribe, disconnect, next,
  waiting: (base, token) => get(base, '/admin/chats', token),
  history: (base, room, token) => get(base, `/admin/chats/${room}?page=1`, token),
  complete: (base, room, token) => axios.patch(`${base}/admin/chats/${room}`, null, { headers: { Authorization: `Bearer ${token}` } }),
};
