// The pet community's pages, written as their front end is: stompjs with `brokerURL`, the token out
// of the cookie, axios, EventSource.
/* global StompJs, axios */

let client;
let base;
let headers = {};
let stream;

/** Items in the order of their arrival, each taken once. */
class Queue {
  #items = [];
  #takers = [];

  put(item) {
    const taker = this.#takers.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  take() {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return new Promise((resolve) => this.#takers.push(resolve));
  }
}

const heard = new Queue();
const connections = new Queue();
const events = new Queue();

const cookie = () => {
  const pair = document.cookie.split('; ').find((one) => one.startsWith('Authorization='));
  return pair?.slice('Authorization='.length);
};

const rest = async (method, path, data) =>
  (await axios({ method, url: base + path, data, headers, withCredentials: true })).data;

/** `copies`: the page puts the cookie into CONNECT. `asks`: it puts it into its requests, too. */
function connect(server, { copies, asks }) {
  base = server;
  if (asks) headers = { Authorization: cookie() };
  client = new StompJs.Client({
    brokerURL: `${server.replace('http', 'ws')}/stomp/chat`,
    connectHeaders: copies ? { Authorization: cookie() } : {},
    reconnectDelay: 500,
    onConnect: () => connections.put('connected'),
    onStompError: (frame) => {
      client.deactivate();
      connections.put(`${frame.headers.code}: ${frame.headers.message}`);
    },
  });
  client.activate();
  return connections.take();
}

const listen = (destination, kind) =>
  client.subscribe(destination, (message) => heard.put({ kind, ...JSON.parse(message.body) }));

const publish = (destination, body) => client.publish({ destination, body: JSON.stringify(body) });

/** Opens an open room's page: listens, then says that somebody is there. */
function enter(room, sender) {
  listen(`/sub/chat/${room}`, 'chat');
  listen(`/sub/enter/${room}`, 'enter');
  publish(`/pub/chat/enter/${room}`, { sender });
}

function create(title, content) {
  const form = new FormData();
  form.append('title', title);
  form.append('content', content);
  return rest('post', '/api/openchat', form);
}

function notifications() {
  stream = new EventSource(`${base}/api/notifications/connect`, { withCredentials: true });
  stream.addEventListener('sse', ({ data, lastEventId }) => events.put({ data, lastEventId }));
}

/** The community's page: each step is called by the test. */
export const community = {
  connect, enter, create, notifications,
  reconnected: () => connections.take(),
  disconnect: () => client.deactivate(),
  say: (room, sender, message) => publish(`/pub/chat/message/${room}`, { sender, message }),
  listenTo: (room) => listen(`/sub/tradechat/${room}`, 'trade'),
  sayInTrade: (room, sender, message) => publish(`/pub/tradechat/message/${room}`, { sender, message }),
  heard: () => heard.take(),
  event: () => events.take(),
  stopEvents: () => stream.close(),
  rooms: async () => (await rest('get', '/api/openchat')).chatRoomList,
  history: async (room) => (await rest('get', `/api/openchat/room/${room}`)).chatList,
  edit: (room, title, content) => rest('put', `/api/openchat/${room}`, new URLSearchParams({ title, content })),
  remove: (room) => rest('delete', `/api/openchat/${room}`),
  trade: (item, sellerId) => rest('post', `/api/tradechat/${item}`, { sellerId }),
  trades: async () => (await rest('get', '/api/tradechat')).tradeChatRoomList,
  tradeHistory: async (room) => (await rest('get', `/api/tradechat/room/${room}`)).chatList,
  endTrade: (room) => rest('delete', `/api/tradechat/${room}`),
  listed: () => rest('get', '/api/notifications'),
  read: (id) => rest('patch', `/api/notifications/${id}`),
  forget: (id) => rest('delete', `/api/notifications/${id}`),
};
