"""Runs the page: a port, a process, a browser that opens."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
import webbrowser
from collections.abc import Callable, Iterable

import uvicorn

from augmint import checks
from augmint.browse.app import Application, make
from augmint.errors import InvalidRequest
from augmint.wire.channel import Channel, Tls

# Where no port is given: always the same address, where it is free.
PORT = 8421
# Seconds for answers under way when it ends.
_LEAVE_S = 3


class Server(uvicorn.Server):
    """Tells when it can be reached, and waits for no draw when it is to end."""

    def __init__(self, app: Application, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=_LEAVE_S,
            )
        )
        self._app, self._ready = app, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._app.leave()
        await super().shutdown(sockets)


def run(
    channel: Channel,
    *,
    host: str,
    port: int | None,
    hosts: Iterable[str],
    timeout: float,
    tell: Callable[[str], None],
    opens: bool,
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    host, port: to listen on; None: PORT, or another one if that is taken. hosts: more names under which it is reached.
    timeout: seconds that an answer of the service may take. tell: is given its address when it can be reached.
    opens: show it in the person's browser.
    raises: InvalidRequest if it cannot listen there, or a file of the channel is not there.
    """
    channel.metadata()
    if isinstance(channel.tls, Tls):
        channel.tls.credentials()
    listener = listen(host, port)
    number = listener.getsockname()[1]
    name = "localhost" if ipaddress.ip_address(listener.getsockname()[0]).is_unspecified else host
    address = f"http://{f'[{name}]' if ':' in name else name}:{number}/"

    def ready() -> None:
        tell(address)
        if opens and _has_screen():
            with contextlib.suppress(webbrowser.Error):
                webbrowser.open(address)

    with contextlib.suppress(KeyboardInterrupt):  # the way it ends
        Server(make(channel, timeout, {host, *hosts}), ready).run([listener])


def listen(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    wanted = [PORT, 0] if port is None else [checks.whole("port", port, 0, 2**16 - 1)]
    for number in wanted:
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
        except OSError as error:
            listener.close()
            if number == wanted[-1]:
                where = f"--host {host}" if port is None else f"--host {host} --port {port}"
                raise InvalidRequest(f"{where}: cannot listen there: {error.strerror}") from error
        else:
            return listener
    raise AssertionError


def _has_screen() -> bool:
    """Whether a browser would be one with windows: on a machine without, some would take over the terminal."""
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
