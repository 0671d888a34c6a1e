"""The pages, one function each: ask the service, look at what came, fill a template."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import jinja2
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from augmint import __version__, checks
from augmint.address import Address, check_truncation
from augmint.browse import card, downloads, look, snippets
from augmint.browse.asked import Asked, neighbours, place, sample_link
from augmint.browse.service import Service
from augmint.browse.snippets import Wanted
from augmint.errors import AugmintError, InvalidRequest
from augmint.generators import Description
from augmint.samples import Samples

T = TypeVar("T")


class Gone(Exception):
    """Whoever asked went away; nobody reads the answer."""


# Truncation of the other side, where there is no other version to compare with.
_OTHER_TRUNCATION = 0.7


@dataclass(frozen=True)
class Pages:
    """What the pages share. service: made when the event loop runs. stamp: of the files that browsers keep."""

    service: Callable[[], Service]
    templates: jinja2.Environment
    stamp: str

    async def index(self, request: Request) -> Response:
        """Every generator, with a look at it."""
        listed = await ask(request, self.service().listed())
        names = dict.fromkeys(one.status.name for one in listed)
        groups = [(name, [one for one in reversed(listed) if one.status.name == name]) for name in names]
        return await self.page(request, "list.html", groups=groups)

    async def default(self, request: Request) -> Response:
        """From a generator's name to the version that a reader gets who names none."""
        found = await ask(request, self.service().describe(request.path_params["name"]))
        return RedirectResponse(place(found.name, found.version), 307)

    async def samples(self, request: Request) -> Response:
        """Samples of a generator."""
        description = await self._describe(request)
        asked = Asked.read(description, request.query_params)
        drawn = None if request.scope["foreign"] else await ask(request, self.service().draw(asked))
        return await self.page(
            request,
            "samples.html",
            400 if asked.wrong else 200,
            asked=asked,
            drawn=drawn,
            **self._about(description, "samples"),
            code=None if drawn is None else self._code(_wanted(asked)),
            offers=downloads.offers(description),
            another=checks.seed_or_drawn(None),
        )

    async def card(self, request: Request) -> Response:
        """The quality card, and where the generator comes from."""
        description = await self._describe(request)
        return await self.page(request, "card.html", **self._about(description, "card"))

    async def compare(self, request: Request) -> Response:
        """Two versions, or two truncations, side by side: the same addresses but for that."""
        description = await self._describe(request)
        asked = Asked.read(description, request.query_params)
        statuses = await ask(request, self.service().generators())
        versions = [
            one.version for one in statuses if one.name == description.name and one.state in ("ready", "retiring")
        ]
        version, truncation, wrong = _other(asked, sorted(set(versions)), request)
        other = description
        if version != description.version:
            other = await ask(request, self.service().describe(description.name, version))
        beside = asked.beside(other, truncation)
        drawn: list[Samples | None] = [None, None]
        if not request.scope["foreign"]:
            both = (self.service().draw(one) for one in (asked, beside) if one is not None)
            drawn = [*await ask(request, asyncio.gather(*both)), None][:2]
        return await self.page(
            request,
            "compare.html",
            400 if asked.wrong or wrong else 200,
            asked=asked,
            sides=[(asked, drawn[0]), (beside, drawn[1])],
            wrong=[*asked.wrong, *wrong],
            other=other,
            other_truncation=truncation,
            missing=[label for label in asked.labels if label not in other.labels],
            versions=sorted(set(versions)),
            **self._about(description, "compare"),
        )

    async def sample(self, request: Request) -> Response:
        """One sample, by its address."""
        address = self._address(request)
        drawn = None if request.scope["foreign"] else await ask(request, self.service().replay(address))
        description = drawn.description if drawn is not None else await self._describe_of(request, address)
        code, around = None, ""
        if drawn is not None:
            alone = Asked(
                description=description,
                label=drawn.labels[0],
                seed=address.seed,
                start=address.start_index,
                truncation=address.truncation,
                keep=address.keep,
                of=address.of,
            )
            code = self._code(_wanted(alone))
            code[0] = ("Python", snippets.replay(self.service().reach, address))
            around = replace(alone, each=alone.usual).link()
        before, after = neighbours(address)
        return await self.page(
            request,
            "sample.html",
            drawn=drawn,
            address=address,
            code=code,
            before=before,
            after=after,
            around=around,
            files=downloads.of_sample(description),
            **self._about(description, "sample"),
        )

    async def sample_file(self, request: Request) -> Response:
        """A file of one sample, by its address."""
        address, suffix = self._address(request), request.path_params["suffix"]
        if request.scope["foreign"]:
            return _foreign()
        drawn = await ask(request, self.service().replay(address))
        return await run_in_threadpool(downloads.of_one, drawn, suffix)

    async def download(self, request: Request) -> Response:
        """The samples of a page, as a file."""
        if request.scope["foreign"]:
            return _foreign()
        asked = Asked.read(await self._describe(request), request.query_params)
        if asked.wrong:
            raise InvalidRequest(asked.wrong[0])
        drawn = await ask(request, self.service().draw(asked))
        return await run_in_threadpool(downloads.of_page, drawn, asked, request.path_params["suffix"])

    async def waiting(self, request: Request) -> Response:
        """For a page that waits for the service: 204 until it answers, then the word to load the page again."""
        try:
            await self.service().generators()
        except AugmintError:
            return Response(status_code=204)
        return Response(headers={"HX-Refresh": "true"})

    async def alive(self, request: Request) -> Response:
        """For probes: this process answers, whatever the service does."""
        return PlainTextResponse("ok\n")

    async def page(self, request: Request, template: str, status: int = 200, **told: Any) -> HTMLResponse:
        """A whole page. Filled in another thread: pictures take their time, and other readers do not wait for them."""
        told |= {"request": request, "target": self.service().reach.target, "stamp": self.stamp}
        told |= {"release": __version__, "foreign": request.scope.get("foreign", False)}
        return HTMLResponse(await run_in_threadpool(self.templates.get_template(template).render, told), status)

    # -- inside -------------------------------------------------------------------------------------------

    async def _describe(self, request: Request) -> Description:
        path = request.path_params
        return await ask(request, self.service().describe(path["name"], _version(path["version"])))

    async def _describe_of(self, request: Request, address: Address) -> Description:
        return await ask(request, self.service().describe(address.generator, address.version))

    def _address(self, request: Request) -> Address:
        address = Address.parse(request.query_params.get("address", ""))
        if address.n != 1:
            raise InvalidRequest(f"the address is of {address.n} samples; a page of one sample takes that of one")
        return address

    def _about(self, description: Description, tab: str) -> dict[str, Any]:
        return {"about": description, "verdict": card.verdict(description), "tab": tab}

    def _code(self, wanted: Wanted) -> list[tuple[str, str]]:
        reach = self.service().reach
        return [
            ("Python", snippets.python(reach, wanted)),
            ("augmint", snippets.command(reach, wanted)),
            ("grpcurl", snippets.grpcurl(reach, wanted)),
        ]


async def ask(request: Request, work: Awaitable[T]) -> T:
    """What the work gives; it is given up when the reader goes away, and so are its calls of the service."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    asked = asyncio.ensure_future(work)
    reader = asyncio.ensure_future(gone())
    try:
        await asyncio.wait((asked, reader), return_when=asyncio.FIRST_COMPLETED)
        if not asked.done():
            raise Gone
        return asked.result()
    finally:
        for one in (asked, reader):
            one.cancel()
        await asyncio.gather(asked, reader, return_exceptions=True)


def environment() -> jinja2.Environment:
    """The templates; every value is escaped."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(card=card, look=look, place=place, sample_link=sample_link)
    found.filters.update(plural=look.plural)
    return found


def _wanted(asked: Asked) -> Wanted:
    labels = None if asked.label is None and asked.all_classes else asked.labels
    return Wanted(
        asked.description, labels, asked.each, asked.seed, asked.start, asked.truncation, asked.keep, asked.of
    )


def _other(asked: Asked, versions: list[int], request: Request) -> tuple[int, float, list[str]]:
    """Version and truncation of the other side, and what could not be read of them."""
    query, wrong = request.query_params, []
    here = asked.description.version
    others = [version for version in versions if version != here]
    version = others[-1] if others and not (query.get("to") or query.get("to_truncation")) else here
    truncation = asked.truncation if others or query.get("to") else _OTHER_TRUNCATION
    if query.get("to"):
        if query["to"] in map(str, versions):
            version = int(query["to"])
        else:
            there = ", ".join(map(str, versions))
            wrong.append(f"There is no version {query['to'][:20]} of {asked.description.name}; there are {there}.")
    if query.get("to_truncation"):
        try:
            truncation = check_truncation(float(query["to_truncation"]))
        except ValueError:
            wrong.append(f"The other truncation, {query['to_truncation'][:20]}, is no number in (0, 2].")
    return version, truncation, wrong


def _version(text: str) -> int:
    try:
        return checks.whole("version", int(text), 1, 2**32 - 1)
    except ValueError as error:
        raise InvalidRequest(f"version is {text[:20]!r}; it must be a whole number from 1") from error


def _foreign() -> Response:
    return PlainTextResponse("Another site led here, and nothing is drawn for other sites. Open the page first.\n", 403)
