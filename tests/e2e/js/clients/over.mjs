// Adapters for clients that are given a socket: `Stomp.over(socket)`. Runs in Node and in pages.

/** `Stomp` of stompjs 6 or 7 over any socket that looks like a WebSocket. */
export function stompOver(Stomp, openSocket) {
  return {
    open: ({ login, passcode }) =>
      new Promise((resolve, reject) => {
        const client = Stomp.over(openSocket);
        client.debug = () => {};
        client.reconnect_delay = 0;
        client.connect(
          { login, passcode },
          (frame) => resolve(session(client, frame)),
          (frame) => reject(new Error(frame.headers?.message ?? String(frame))),
          (event) => reject(new Error(`closed: ${event?.code} ${event?.reason}`)),
        );
      }),
  };
}

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
    send: (destination, text, note) =>
      receipted((receipt) => client.send(destination, { note, receipt }, text)),
    disconnect: () => new Promise((resolve) => client.disconnect(resolve)),
  };
}
