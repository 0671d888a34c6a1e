"""The service behind the pages."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from augmint.address import Address
from augmint.async_client import AsyncClient
from augmint.browse.asked import Asked
from augmint.browse.snippets import Reach
from augmint.errors import AugmintError
from augmint.generators import Description, GeneratorStatus
from augmint.samples import Samples

# Descriptions kept for the list, by digest: what a file says of itself does not change.
_KEPT = 64
# Calls at a time for descriptions that are not kept.
_AT_ONCE = 8
# A draw may take this many times as long as the service's capacity says, since others draw too.
_PATIENCE = 4.0


@dataclass(frozen=True)
class Listed:
    """A line of the list. description: None where there is none, e.g. of a file that was refused."""

    status: GeneratorStatus
    description: Description | None


class Service:
    """What the pages ask. client: belongs to the running event loop. timeout: seconds that an answer may take."""

    def __init__(self, client: AsyncClient, reach: Reach, timeout: float) -> None:
        self._client, self.reach, self._timeout = client, reach, timeout
        self._kept: OrderedDict[str, Description] = OrderedDict()
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def generators(self) -> list[GeneratorStatus]:
        """As `Client.generators`."""
        return await self._client.generators(timeout=self._timeout)

    async def listed(self) -> list[Listed]:
        """Every generator and version, with its description."""
        statuses = await self.generators()
        return await asyncio.gather(*(self._listed(status) for status in statuses))

    async def describe(self, name: str, version: int | None = None) -> Description:
        """As `Client.describe`."""
        found = await self._client.describe(name, version, timeout=self._timeout)
        self._keep(found)
        return found

    async def draw(self, asked: Asked) -> Samples:
        """The samples of a page; a page of much work is waited for longer."""
        work = asked.count * (asked.of / asked.keep if asked.keep else 1)
        needed = _PATIENCE * work / max(asked.description.capacity_samples_per_second, 1e-3)
        return await self._client.generate(**asked.drawing, timeout=max(self._timeout, needed))

    async def replay(self, address: Address) -> Samples:
        """As `Client.replay`."""
        return await self._client.replay(address, timeout=self._timeout)

    async def close(self) -> None:
        """End the calls that are under way."""
        await self._client.close()

    async def _listed(self, status: GeneratorStatus) -> Listed:
        if status.state not in ("ready", "retiring"):
            return Listed(status, None)
        if status.digest in self._kept:
            self._kept.move_to_end(status.digest)
            return Listed(status, self._kept[status.digest])
        try:
            async with self._places:
                found = await self.describe(status.name, status.version)
        except AugmintError:  # the list is worth more than its pictures
            return Listed(status, None)
        return Listed(status, found if found.digest == status.digest else None)

    def _keep(self, description: Description) -> None:
        self._kept[description.digest] = description
        self._kept.move_to_end(description.digest)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
