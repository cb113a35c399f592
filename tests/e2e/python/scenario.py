"""What every client does once; see js/clients/scenario.mjs, which does the same."""

import os
from importlib.metadata import version
from urllib.parse import urlsplit

COUNT = 50
# A test fails when a client waits for longer.
PATIENCE = 30
TEXTS = [f"{number} 안녕하세요, ☃ 😀\nline 2" for number in range(COUNT)]
NOTE = "a:b\\w\nd 가"
PLAIN_NOTE = "plain 가"
REFUSAL = "passcode is wrong"

LOGIN = os.environ["LOGIN"]
PASSCODE = os.environ["PASSCODE"]
TOPIC = os.environ["TOPIC"]
URL = urlsplit(os.environ["URL"])
HTTP = (URL.hostname, URL.port)


def tcp() -> tuple[str, int]:
    """Where STOMP over TCP listens."""
    host, port = os.environ["TCP"].split(":")
    return host, int(port)


def check(arrived: list[tuple[str, str]], note: str = NOTE) -> None:
    """Fails unless all messages arrived in order, each with the note."""
    assert arrived == [(text, note) for text in TEXTS], arrived


def row(client: str, transport: str, result: str) -> None:
    """Prints a row of the table."""
    print(" | ".join([client, version(client), transport, result]), flush=True)
