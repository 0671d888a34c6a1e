"""The page over a real socket, and generators to show on it."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from augmint.browse.app import make
from augmint.browse.server import Server, listen
from augmint.wire.channel import Channel
from tests import generators
from tests.client import sounds, tables, texts, tunes
from tests.client.fakes import FakeService, served

# A browser's own words for a link on the page, for an address that was typed, and for another site's.
OWN = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
TYPED = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@dataclass
class Answer:
    """What came back; headers with lower-case names."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


@contextmanager
def browsed(target: str, *, timeout: float = 10.0, **channel: Any) -> Iterator[str]:
    """Yields the address of the page of a service: http://127.0.0.1:PORT."""
    hosts = channel.pop("hosts", ())
    ready = threading.Event()
    server = Server(make(Channel(target, **channel), timeout, hosts), ready.set)
    listener = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert ready.wait(60)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


def get(address: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    """Ask for an address, without a look at what it leads to."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(
            method, f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", headers=headers or {}
        )
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


def publish_all(models: Path) -> None:
    """One generator of every kind, without training; two versions of the one of images."""
    generators.publish(models, "tiny", scored=True)
    generators.publish(models, "tiny", scored=True, seed=1)
    tables.publish(models, "people")
    sounds.publish(models, "tones")
    tunes.publish(models, "tunes")
    texts.publish(models, "names", ("Greek", "Irish"))


def words(page: Answer) -> str:
    """What is to be read on a page."""
    inline = re.sub(r"</?(bdi|small|span|code|a|strong)\b[^>]*>", "", page.text)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", inline)).split())


def links(page: Answer, holds: str = "") -> list[str]:
    """Where its links lead that hold a text."""
    return [unescape(link) for link in re.findall(r'href="([^"]*)"', page.text) if holds in link]


def addresses(page: Answer) -> list[str]:
    """Of its samples."""
    return [unescape(one) for one in re.findall(r'data-copy="(augmint:[^"]*)"', page.text)]


@contextmanager
def page_of(fake: FakeService, **options: Any) -> Iterator[str]:
    """The page of a service that computes with NumPy."""
    with served(fake) as target, browsed(target, **options) as site:
        yield site
