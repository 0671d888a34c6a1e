"""The application: which address is which page, and what is said when something goes wrong."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from augmint import errors
from augmint.async_client import AsyncClient
from augmint.browse.guard import LOCAL, Guard
from augmint.browse.pages import Gone, Pages, environment
from augmint.browse.service import Service
from augmint.browse.snippets import Reach
from augmint.wire.async_transport import GrpcAsyncTransport
from augmint.wire.channel import Channel

_STATIC = Path(__file__).parent / "static"

# Error to: status, heading, what to do, whether the page waits for better times. The first that fits counts.
_FAULTS: list[tuple[type[errors.AugmintError], int, str, str, bool]] = [
    (errors.TlsError, 502, "No secure connection", "Check how augmint browse was started: --tls, --ca, --plain.", True),
    (
        errors.AccessDenied,
        403,
        "The service does not let this page in",
        "It wants a token that allows this: augmint browse --token-file FILE.",
        False,
    ),
    (errors.Overloaded, 503, "The service is full", "Others are drawing. This page tries again by itself.", True),
    (errors.DeadlineExceeded, 504, "The service takes too long", "Ask for fewer samples, or try again.", False),
    (errors.Unavailable, 503, "The service is away", "As soon as it answers, this page goes on by itself.", True),
    (errors.ClientClosed, 503, "This page is being closed", "Start augmint browse again.", False),
    (errors.GeneratorNotFound, 404, "The service has no such generator", "The list shows those that it has.", False),
    (
        errors.DigestMismatch,
        410,
        "The service no longer has this file",
        "These samples came from a file that another one has replaced.",
        False,
    ),
    (errors.InvalidRequest, 400, "That cannot be drawn", "Change what the sentence names.", False),
    (errors.MissingExtra, 501, "Something is not installed", "It is needed where augmint browse runs.", False),
    (errors.AugmintError, 502, "The service failed", "That is a defect; the sentence says where.", False),
]


class Application(Guard):
    """The ASGI application, behind its guard."""

    def __init__(self, app: Any, hosts: Iterable[str], service: dict[str, Service]) -> None:
        super().__init__(app, hosts)
        self._service = service

    async def leave(self) -> None:
        """End what is asked of the service, so that nobody is waited for."""
        for service in self._service.values():
            await service.close()


def make(channel: Channel, timeout: float, hosts: Iterable[str] = ()) -> Application:
    """The application.

    channel: how to reach the service. timeout: seconds that an answer of it may take. hosts: more names under which
    the page is reached, beside those of this machine.
    """
    state: dict[str, Service] = {}

    @contextlib.asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        transport = GrpcAsyncTransport(channel)
        async with AsyncClient(channel.target, timeout=timeout, transport=transport) as client:
            state["service"] = Service(client, Reach.of(channel), timeout)
            yield

    pages = Pages(lambda: state["service"], environment(), _stamp())

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, errors.AugmintError)
        _, status, heading, advice, waits = next(row for row in _FAULTS if isinstance(error, row[0]))
        told = {"heading": heading, "sentence": str(error), "advice": advice, "waits": waits}
        response = await pages.page(request, "error.html", status, **told)
        if status == 503:
            response.headers["retry-after"] = "2"
        return response

    async def lost(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        told = {"heading": "There is no such page", "sentence": "", "advice": "The list is a way back.", "waits": False}
        return await pages.page(request, "error.html", error.status_code, **told)

    async def broken(request: Request, error: Exception) -> Response:
        told = {"heading": "This page failed", "sentence": "That is a defect of augmint browse; its log says more."}
        return await pages.page(request, "error.html", 500, **told, advice="", waits=False)

    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=499)

    app = Starlette(
        routes=[
            Route("/", pages.index),
            Route("/g/{name}", pages.default),
            Route("/g/{name}/{version}", pages.samples),
            Route("/g/{name}/{version}/card", pages.card),
            Route("/g/{name}/{version}/compare", pages.compare),
            Route("/g/{name}/{version}/download/{suffix}", pages.download),
            Route("/sample", pages.sample),
            Route("/sample.{suffix}", pages.sample_file),
            Route("/waiting", pages.waiting),
            Route("/alive", pages.alive),
            Mount(f"/static/{pages.stamp}", _Kept(directory=_STATIC)),
        ],
        exception_handlers={errors.AugmintError: refused, HTTPException: lost, Gone: gone, Exception: broken},
        lifespan=life,
    )
    return Application(app, {*LOCAL, *hosts}, state)


class _Kept(StaticFiles):
    """Files that browsers may keep: their address changes when they do."""

    def file_response(self, *given: Any, **more: Any) -> Response:
        response = super().file_response(*given, **more)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def _stamp() -> str:
    digest = hashlib.sha256()
    for path in sorted(_STATIC.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
