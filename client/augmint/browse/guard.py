"""Who may ask: names that the page is reached by, and no other site. What every answer says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

# Of this machine, whatever the port.
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

_SAID = {
    # Everything is this server's own; pictures of samples stand in the page itself.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Answers what may not be asked, and marks what was opened from another site.

    hosts: names, or numbers, under which the page may be reached: whoever makes a name of his own lead here reads
           nothing (DNS rebinding).

    A request that another site made ends with 403, unless it opens a page in a window; `foreign` of its scope then
    tells the page to draw nothing before the person asks for it. Beyond this machine and without TLS, browsers do not
    say whose page asks: there, what no page of this server led to is foreign.
    """

    def __init__(self, app: Any, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def say(message: Any) -> None:
            if message["type"] == "http.response.start":
                said = MutableHeaders(raw=message["headers"])
                for name, value in _SAID.items():
                    said[name] = value
                if trusted:  # elsewhere browsers complain of it
                    said["cross-origin-opener-policy"] = "same-origin"
                if "cache-control" not in said:
                    said["cache-control"] = "no-store"
                message["headers"] = said.raw
            await send(message)

        headers = Headers(scope=scope)
        trusted = scope["scheme"] == "https" or host_of(headers.get("host", "")) in LOCAL
        refused = self._refused(scope["method"], headers, scope["scheme"])
        if refused is not None:
            await refused(scope, receive, say)
            return
        scope["foreign"] = _site(headers, scope["scheme"]) not in ("same-origin", "none")
        await self._app(scope, receive, say)

    def _refused(self, method: str, headers: Headers, scheme: str) -> PlainTextResponse | None:
        host = host_of(headers.get("host", ""))
        if host not in self._hosts:
            return PlainTextResponse(
                f"This page is not reached under the name {host[:80]!r}. Whoever runs it may allow that: "
                "augmint browse --allow-host NAME\n",
                421,
            )
        if method not in ("GET", "HEAD"):
            return PlainTextResponse("Nothing here is changed or sent: GET only.\n", 405, {"allow": "GET, HEAD"})
        if _site(headers, scheme) in ("cross-site", "same-site") and not _opens_a_page(headers):
            return PlainTextResponse("Another site asked for this; only the page itself may.\n", 403)
        return None


def host_of(header: str) -> str:
    """The name in a Host header, or in the address of a target: lower case, without port and brackets."""
    found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([^:\[\]]*)(?::\d+)?", header.strip())
    return ((found[1] or found[2]) if found else header).lower().removesuffix(".")


def _site(headers: Headers, scheme: str) -> str:
    """Whose page asks, as browsers say it: "same-origin", "same-site", "cross-site", "none" (typed, or no browser)."""
    said = headers.get("sec-fetch-site")
    if said is not None:
        return said
    host = headers.get("host", "")
    named = headers.get("origin") or headers.get("referer")
    if named is not None:
        return "same-origin" if urlsplit(named).netloc.lower() == host.lower() else "cross-site"
    return "none" if scheme == "https" or host_of(host) in LOCAL else "unknown"


def _opens_a_page(headers: Headers) -> bool:
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
