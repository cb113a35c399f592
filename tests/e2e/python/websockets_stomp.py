"""websockets, STOMP frames written by hand over it."""

import asyncio

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from scenario import LOGIN, NOTE, PASSCODE, PATIENCE, REFUSAL, TEXTS, TOPIC, URL, check, row

ESCAPES = [("\\", "\\\\"), ("\n", "\\n"), (":", "\\c")]


def escaped(value: str) -> str:
    for plain, written in ESCAPES:
        value = value.replace(plain, written)
    return value


def unescaped(value: str) -> str:
    out, characters = [], iter(value)
    for character in characters:
        written = character + next(characters) if character == "\\" else character
        out.append(next((plain for plain, w in ESCAPES if w == written), written))
    return "".join(out)


def frame(command: str, headers: dict[str, str], body: str = "") -> str:
    lines = "".join(f"{name}:{escaped(value)}\n" for name, value in headers.items())
    return f"{command}\n{lines}\n{body}\0"


async def receive(socket: ClientConnection) -> tuple[str, dict[str, str], str]:
    """The next frame; heart-beats are passed over. The server sends each frame in a message or in few."""
    text = ""
    while not text.endswith("\0"):
        text = (text + await asyncio.wait_for(socket.recv(), PATIENCE)).lstrip("\n")
    head, _, body = text[:-1].partition("\n\n")
    command, *lines = head.split("\n")
    headers = dict(line.split(":", 1) for line in lines)
    return command, {name: unescaped(value) for name, value in headers.items()}, body


async def opened(passcode: str):
    socket = await connect(f"ws://{URL.netloc}/ws", subprotocols=["v12.stomp"])
    headers = {"accept-version": "1.2", "host": "here", "login": LOGIN, "passcode": passcode}
    await socket.send(frame("CONNECT", headers))
    return socket


async def tell() -> None:
    socket = await opened(PASSCODE)
    command, headers, _ = await receive(socket)
    assert (command, headers["version"]) == ("CONNECTED", "1.2")
    await socket.send(frame("SUBSCRIBE", {"id": "1", "destination": TOPIC}))
    for number, text in enumerate(TEXTS):
        await socket.send(frame("SEND", {"destination": TOPIC, "note": NOTE, "receipt": str(number)}, text))
    arrived, receipts = [], []
    while len(arrived) < len(TEXTS) or len(receipts) < len(TEXTS):
        command, headers, body = await receive(socket)
        if command == "MESSAGE":
            arrived.append((body, headers["note"]))
        else:
            assert command == "RECEIPT", (command, body)
            receipts.append(headers["receipt-id"])
    check(arrived)
    assert receipts == [str(number) for number in range(len(TEXTS))]
    await socket.send(frame("DISCONNECT", {"receipt": "bye"}))
    command, headers, _ = await receive(socket)
    assert (command, headers["receipt-id"]) == ("RECEIPT", "bye")
    await socket.close()


async def refused() -> None:
    socket = await opened("wrong")
    command, headers, _ = await receive(socket)
    assert command == "ERROR" and REFUSAL in headers["message"]
    try:
        await asyncio.wait_for(socket.recv(), PATIENCE)
        raise AssertionError("the connection stayed open")
    except ConnectionClosed:
        pass


asyncio.run(tell())
asyncio.run(refused())
row("websockets", "WebSocket", "STOMP 1.2, receipts, header escapes")
