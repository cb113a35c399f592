"""websockets, the JSON door."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import time

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from scenario import PATIENCE, TEXTS, URL, row

USER = os.environ["USER_ID"]


def token() -> str:
    """A customer's token, as the host application would sign it."""
    claims = {"sub": USER, "auth": "ROLE_USER", "exp": int(time.time()) + 3600}
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(os.environ["KEY"].encode(), signed, hashlib.sha256)
    return f"{signed.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def opened(bearer: str | None):
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    return connect(f"ws://{URL.netloc}/ws/v1", subprotocols=["madang.v1.json"], additional_headers=headers)


async def receive(socket: ClientConnection, kind: str) -> dict:
    """The next of this type; events of other types are passed over, errors are not."""
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
        if message["type"] == kind:
            return message
        assert message["type"] != "error", message


async def send(socket: ClientConnection, **message) -> None:
    await socket.send(json.dumps(message, ensure_ascii=False))


async def tell() -> str:
    """Sends all, a second connection of the same user receives; answers the first message's position."""
    async with opened(token()) as reader, opened(None) as writer:
        assert reader.subprotocol == "madang.v1.json"
        assert (await receive(reader, "hello"))["user"] == USER
        await send(writer, type="auth", token=token())
        await receive(writer, "hello")
        for number, text in enumerate(TEXTS):
            await send(writer, type="send", id=number, room=USER, text=text, clientId=str(number))
        acks = [await receive(writer, "ack") for _ in TEXTS]
        assert [ack["id"] for ack in acks] == list(range(len(TEXTS))), acks
        arrived = [(await receive(reader, "message"))["message"] for _ in TEXTS]
        assert [message["text"] for message in arrived] == TEXTS, arrived
        assert [message["seq"] for message in arrived] == [ack["seq"] for ack in acks]
        await send(writer, type="send", id="again", room=USER, text=TEXTS[7], clientId="7")
        assert (await receive(writer, "ack"))["seq"] == acks[7]["seq"], "a repeat is stored once"
        return arrived[0]["position"]


async def resumed(position: str) -> None:
    async with opened(token()) as socket:
        await receive(socket, "hello")
        await send(socket, type="resume", id=1, positions={USER: position})
        await receive(socket, "ack")
        arrived = [(await receive(socket, "message"))["message"]["text"] for _ in TEXTS[1:]]
        assert arrived == TEXTS[1:], arrived


async def refused() -> None:
    try:
        async with opened("wrong"):
            raise AssertionError("a wrong token was let in")
    except InvalidStatus as refusal:
        assert refusal.response.status_code == 401, refusal


async def main() -> None:
    position = await tell()
    await resumed(position)
    await refused()


asyncio.run(main())
row("websockets", "WebSocket, JSON", "acknowledged, repeats, resumes")
