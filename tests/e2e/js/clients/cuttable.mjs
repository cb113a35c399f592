// A way to the server that breaks when a test wants it to, as a network does.
import { connect, createServer } from 'node:net';
import { once } from 'node:events';

export class Cuttable {
  #sockets = new Set();
  #isCut = false;

  /** A listener of its own before the server at `url`. */
  static async before(url) {
    const way = new Cuttable();
    const { hostname, port } = new URL(url);
    way.server = createServer((client) => way.#carry(client, connect(port, hostname)));
    way.server.listen(0, '127.0.0.1');
    await once(way.server, 'listening');
    way.url = `http://127.0.0.1:${way.server.address().port}`;
    way.server.unref();
    return way;
  }

  #carry(client, upstream) {
    if (this.#isCut) {
      client.destroy();
      upstream.destroy();
      return;
    }
    const pair = [client, upstream];
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        pair.forEach((one) => one.destroy());
      });
    }
    client.pipe(upstream).pipe(client);
  }

  /** Breaks every connection, and those that are tried; resolves once all are gone. */
  async cut() {
    this.#isCut = true;
    const gone = [...this.#sockets].map((socket) => once(socket, 'close'));
    this.#sockets.forEach((socket) => socket.destroy());
    await Promise.all(gone);
  }

  mend() {
    this.#isCut = false;
  }
}
