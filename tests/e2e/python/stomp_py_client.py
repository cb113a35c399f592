"""stomp.py over TCP in each version of STOMP, and over WebSocket."""

import sys
from queue import Empty, Queue

import stomp
from stomp.adapter.ws import WSStompConnection

from scenario import HTTP, LOGIN, NOTE, PASSCODE, PATIENCE, PLAIN_NOTE, REFUSAL, TEXTS, TOPIC, check, row, tcp


class Seen(stomp.ConnectionListener):
    """Keeps what the client reports."""

    def __init__(self):
        self.messages, self.receipts, self.errors, self.closed = Queue(), Queue(), Queue(), Queue()

    def on_message(self, frame):
        self.messages.put((frame.body, frame.headers["note"]))

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.errors.put(frame.headers["message"])

    def on_disconnected(self):
        self.closed.put(True)


def take(queue, what):
    try:
        return queue.get(timeout=PATIENCE)
    except Empty:
        raise AssertionError(f"no {what}") from None


def tell(opened, protocol, topic):
    """The scenario; `opened` makes a connection that is not connected yet."""
    connection, seen = opened(), Seen()
    connection.set_listener("seen", seen)
    connection.connect(LOGIN, PASSCODE, wait=True)
    connection.subscribe(destination=topic, id="1", ack="auto", headers={"receipt": "subscribed"})
    assert take(seen.receipts, "receipt") == "subscribed"
    # STOMP 1.0 has no escapes, and the client makes none.
    note = PLAIN_NOTE if protocol == "1.0" else NOTE
    for number, text in enumerate(TEXTS):
        connection.send(topic, text, headers={"note": note, "receipt": str(number)})
    receipts = [take(seen.receipts, "receipt") for _ in TEXTS]
    assert receipts == [str(number) for number in range(len(TEXTS))], receipts
    check([take(seen.messages, "message") for _ in TEXTS], note)
    connection.disconnect(receipt="bye")
    assert take(seen.receipts, "receipt of DISCONNECT") == "bye"
    take(seen.closed, "close")
    refused(opened)
    escapes = "" if protocol == "1.0" else ", header escapes"
    return f"STOMP {protocol}, receipts{escapes}"


def refused(opened):
    connection, seen = opened(), Seen()
    connection.set_listener("seen", seen)
    try:
        connection.connect(LOGIN, "wrong", wait=True)
        raise AssertionError("a wrong passcode was let in")
    except stomp.exception.ConnectFailedException:
        pass
    assert REFUSAL in take(seen.errors, "report of a refusal")


def main():
    if sys.argv[1:] == ["tcp"]:
        kinds = {"1.0": stomp.Connection10, "1.1": stomp.Connection11, "1.2": stomp.Connection12}
        for protocol, kind in kinds.items():
            opened = lambda kind=kind: kind([tcp()], reconnect_attempts_max=1)
            row("stomp.py", f"TCP, STOMP {protocol}", tell(opened, protocol, f"{TOPIC}-{protocol}"))
    else:
        opened = lambda: WSStompConnection([HTTP], ws_path="/ws", reconnect_attempts_max=1)
        row("stomp.py", "WebSocket", tell(opened, "1.2", TOPIC))


main()
