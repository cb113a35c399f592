"""stompman over TCP or WebSocket."""

import asyncio
import sys

import stompman

from scenario import LOGIN, NOTE, PASSCODE, PATIENCE, TEXTS, TOPIC, HTTP, check, row, tcp


def client(passcode: str) -> stompman.Client:
    """A client over the transport that the command line names."""
    if sys.argv[1:] == ["tcp"]:
        host, port = tcp()
        where, kind = stompman.ConnectionParameters(host, port, LOGIN, passcode), {}
    else:
        from stompman.connection_ws import WebSocketConnection

        where = stompman.ConnectionParameters(*HTTP, LOGIN, passcode, ws_uri_path="/ws")
        kind = {"connection_class": WebSocketConnection}
    # A busy machine may be slower than its defaults; a refusal is not tried again.
    patience = {"connection_confirmation_timeout": PATIENCE, "disconnect_confirmation_timeout": PATIENCE}
    calm = stompman.Heartbeat(10_000, 10_000)
    return stompman.Client([where], heartbeat=calm, connect_retry_attempts=1, **patience, **kind)


async def tell() -> None:
    arrived: list[tuple[str, str]] = []
    all_came = asyncio.Event()

    async def handle(frame: stompman.MessageFrame) -> None:
        arrived.append((frame.body.decode(), frame.headers["note"]))
        if len(arrived) == len(TEXTS):
            all_came.set()

    def failed(error: Exception, _frame: stompman.MessageFrame) -> None:
        raise error

    async with client(PASSCODE) as session:
        subscription = await session.subscribe(
            TOPIC, handle, ack="auto", on_suppressed_exception=failed, receipt_timeout=PATIENCE
        )
        for text in TEXTS:
            await session.send(text.encode(), TOPIC, headers={"note": NOTE}, receipt_timeout=PATIENCE)
        await asyncio.wait_for(all_came.wait(), PATIENCE)
        await subscription.unsubscribe()
    check(arrived)


async def refused() -> None:
    # It reports that no connection was made, without the text of ERROR.
    let_in = False
    try:
        async with client("wrong"):
            let_in = True
    except* stompman.FailedAllConnectAttemptsError:
        pass
    assert not let_in, "a wrong passcode was let in"


asyncio.run(tell())
asyncio.run(refused())
transport = "TCP" if sys.argv[1:] == ["tcp"] else "WebSocket"
row("stompman", transport, "STOMP 1.2, receipts, header escapes")
