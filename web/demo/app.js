"use strict";

const byId = (id) => document.getElementById(id);
const DESK_POLL_MS = 2000;
const PAGE = 30;
/** Codes after which the same message may be accepted. */
const RETRYABLE = new Set(["DRAINING", "OVERLOADED", "UNAVAILABLE", "INTERNAL", "TOO_MANY"]);
/** Codes that say that the room in sight is not this window's any more. */
const LOST = new Set(["NOT_YOUR_ROOM", "ROOM_NOT_FOUND"]);

/** Who this window is: {token, userId, name, role, websocketPath}; kept for a reload of this tab. */
let me = null;
/** The STOMP connection; reconnects by itself. */
let client = null;
/** The room in sight, and its subscription on the present connection. */
let room = null;
let subscription = null;

// --- REST -------------------------------------------------------------------------------------

async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${me.token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body: JSON.stringify(body) });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.detail ?? response.statusText), answer);
  return answer;
}

const roomPath = (id) => `/api/v1/rooms/${encodeURIComponent(id)}`;

async function getToken(role, name) {
  const response = await fetch("/demo/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name, role }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return { ...answer, role };
}

// --- Connection -------------------------------------------------------------------------------

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  client = new StompJs.Client({
    brokerURL: `${scheme}://${location.host}${me.websocketPath}`,
    reconnectDelay: 300,
    maxReconnectDelay: 5000,
    reconnectTimeMode: StompJs.ReconnectionTimeMode.EXPONENTIAL,
    heartbeatIncoming: 10000,
    heartbeatOutgoing: 10000,
    // A fresh token for each connection: the last one may have expired while the server was away.
    beforeConnect: async () => {
      showConnection("trying", "connecting…");
      try {
        me = await getToken(me.role, me.name);
      } catch {
        // The server is away; the connection will fail too, and be tried again.
      }
      client.connectHeaders = { Authorization: `Bearer ${me.token}` };
    },
    onConnect: () => {
      showConnection("on", "connected");
      showNotice(null);
      subscription = null;
      if (room) begin();
    },
    onStompError: refused,
    onWebSocketClose: () => showConnection("trying", "disconnected; trying again…"),
  });
  client.activate();
}

/** The server says why it closes the connection: what was refused must not be tried again. */
function refused(frame) {
  const reason = frame.headers.message ?? frame.body;
  showNotice(reason);
  const clientId = frame.headers["receipt-id"]?.replace(/^send-/, "");
  const draft = room?.pending.get(clientId);
  if (draft && !RETRYABLE.has(frame.headers.code)) {
    draft.error = reason;
    draw();
  } else if (LOST.has(frame.headers.code)) {
    close();
  }
}

/** Brings the room in sight up to date and keeps it so. */
async function begin() {
  const current = room;
  try {
    if (current.position === null) {
      current.reset(await call("GET", `${roomPath(current.id)}/messages?limit=${PAGE}`));
    }
  } catch (error) {
    showNotice(error.message);
    // Without the newest page there is no place to begin; the next connection tries again.
    return;
  }
  if (room !== current || !client.connected) return;
  // What was missed comes first, then what happens; nothing twice, nothing left out.
  subscription?.unsubscribe();
  subscription = client.subscribe(`/rooms/${current.id}`, (frame) => receive(current, frame), {
    since: current.position,
  });
  for (const [clientId, draft] of current.pending) {
    if (!draft.error) publish(current, clientId);
  }
  draw();
}

function receive(of, frame) {
  const message = JSON.parse(frame.body || "{}");
  if (message.seq === undefined) {
    // Not a message: the log before it is no longer whole. Begin with what is kept.
    of.position = null;
    if (of === room) begin();
    return;
  }
  if (of.accept(message) && of === room) draw();
}

/** Sends, or sends again: the client id makes the second time harmless. */
function publish(to, clientId) {
  if (!client.connected) return;
  const draft = to.pending.get(clientId);
  const receipt = `send-${clientId}`;
  client.watchForReceipt(receipt, () => {
    // Durable now; the message itself takes its place when it arrives.
    draft.received = true;
    if (to === room) draw();
  });
  client.publish({
    destination: `/rooms/${to.id}`,
    headers: { "client-id": clientId, "content-type": "application/json", receipt },
    body: JSON.stringify({ text: draft.text }),
  });
}

function send(text) {
  const clientId = crypto.randomUUID();
  room.pending.set(clientId, { text, received: false });
  draw();
  publish(room, clientId);
}

// --- Rooms ------------------------------------------------------------------------------------

function open(id, title) {
  subscription?.unsubscribe();
  subscription = null;
  room = new Room(id, me);
  byId("room-title").textContent = title;
  byId("chat").hidden = false;
  byId("nothing").hidden = true;
  byId("complete").hidden = me.role !== "agent";
  byId("leave").hidden = me.role !== "user";
  if (client.connected) begin();
  byId("text").focus();
}

function close() {
  if (client.connected) subscription?.unsubscribe();
  subscription = null;
  room = null;
  byId("chat").hidden = true;
  byId("nothing").hidden = false;
}

async function openOwn() {
  const own = await call("POST", "/api/v1/rooms", { kind: "support" });
  open(own.id, "Support");
}

const STATES = {
  waiting: () => "waiting for an agent",
  assigned: (seen) => `${seen.assignee.name} is with you`,
  completed: () => "completed; write to ask again",
};

async function refreshOwn() {
  if (!room) return openOwn();
  const seen = await call("GET", roomPath(room.id));
  byId("room-state").textContent = STATES[seen.state](seen);
}

async function refreshDesk() {
  const [waiting, mine] = await Promise.all([
    call("GET", "/api/v1/desk/waiting"),
    call("GET", "/api/v1/desk/mine"),
  ]);
  list("waiting", waiting.rooms, "Claim", async (chosen) => {
    const claimed = await call("POST", `/api/v1/desk/rooms/${encodeURIComponent(chosen.id)}/claim`);
    open(claimed.id, claimed.customer.name);
    await refreshDesk();
  });
  list("mine", mine.rooms, "Open", (chosen) => open(chosen.id, chosen.customer.name));
}

function list(id, rooms, verb, act) {
  const shown = JSON.stringify([id, rooms.map((each) => [each.id, each.head.lastSeq])]);
  const place = byId(id);
  // Left alone while nothing changed, so that the focus stays where it is.
  if (place.dataset.shown === shown) return;
  place.dataset.shown = shown;
  const items = rooms.map((each) => {
    const item = document.createElement("li");
    const name = document.createElement("span");
    name.textContent = `${each.customer.name} (${each.head.lastSeq})`;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = verb;
    button.setAttribute("aria-label", `${verb} ${each.customer.name}`);
    button.addEventListener("click", () => attempt(() => act(each)));
    item.append(name, button);
    return item;
  });
  if (items.length === 0) {
    const empty = document.createElement("li");
    empty.className = "empty";
    empty.textContent = "nobody";
    items.push(empty);
  }
  place.replaceChildren(...items);
}

async function complete() {
  await call("POST", `/api/v1/desk/rooms/${encodeURIComponent(room.id)}/complete`);
  close();
  await refreshDesk();
}

async function leave() {
  await call("DELETE", roomPath(room.id));
  close();
  await openOwn();
}

async function older() {
  const page = await call("GET", `${roomPath(room.id)}/messages?before=${room.oldestSeq}&limit=${PAGE}`);
  room.addOlder(page);
  draw(false);
}

// --- What is seen -----------------------------------------------------------------------------

function draw(follow = true) {
  const frame = byId("log-frame");
  const fromEnd = frame.scrollHeight - frame.scrollTop;
  const atEnd = fromEnd - frame.clientHeight < 80;
  room.draw(byId("log"));
  byId("older").hidden = !room.hasOlder;
  frame.scrollTop = follow && atEnd ? frame.scrollHeight : frame.scrollHeight - fromEnd;
}

function showConnection(state, text) {
  byId("connection").dataset.state = state;
  byId("connection").textContent = text;
}

function showNotice(text) {
  byId("notice").hidden = !text;
  byId("notice").textContent = text ?? "";
}

/** Does `what`, and says why when it cannot be done. */
async function attempt(what) {
  try {
    await what();
    showNotice(null);
  } catch (error) {
    const who = error.assignee ? ` (${error.assignee.name})` : "";
    showNotice(`${error.message}${who}`);
  }
}

async function start(role) {
  const names = ["kim", "lee", "park", "choi", "jung", "kang"];
  const pick = names[Math.floor(Math.random() * names.length)];
  const number = Math.floor(Math.random() * 9000) + 1000;
  const kept = JSON.parse(sessionStorage.getItem("me") ?? "null");
  const name = kept?.role === role ? kept.name : `demo-${pick}-${number}`;
  me = await getToken(role, name);
  sessionStorage.setItem("me", JSON.stringify({ role, name }));
  byId("who").textContent = `${me.name} (${role === "agent" ? "agent" : "customer"})`;
  byId("who").hidden = false;
  byId("choose").hidden = true;
  byId("work").hidden = false;
  byId("desk").hidden = role !== "agent";
  byId("nothing").hidden = role !== "agent";
  connect();
  const refresh = role === "agent" ? refreshDesk : refreshOwn;
  if (role === "user") await openOwn();
  await refresh();
  // A server that is away shows in the connection's state; the next round tries again.
  setInterval(() => refresh().catch(() => {}), DESK_POLL_MS);
}

function listen() {
  for (const button of document.querySelectorAll("#choose button")) {
    button.addEventListener("click", () => attempt(() => start(button.dataset.role)));
  }
  byId("complete").addEventListener("click", () => attempt(complete));
  byId("leave").addEventListener("click", () => attempt(leave));
  byId("older").addEventListener("click", () => attempt(older));
  byId("compose").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = byId("text").value.trim();
    if (text && room) send(text);
    byId("text").value = "";
  });
  byId("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      byId("compose").requestSubmit();
    }
  });
}

if (!window.StompJs) {
  showNotice("This server was built without the demo's library (MADANG_SKIP_WEB).");
} else {
  listen();
  const kept = JSON.parse(sessionStorage.getItem("me") ?? "null");
  if (kept) attempt(() => start(kept.role));
}
