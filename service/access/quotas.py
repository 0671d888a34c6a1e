"""How much of the service each client may have."""

from __future__ import annotations

import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.access.reload import FileError, Watched, read_text
from service.errors import Forbidden, QuotaExceeded, ServiceError, choices, quote
from service.metrics import Metrics

BURST_SECONDS = 10
# Clients that are remembered; those without a name are known by their address.
CLIENTS_LIMIT = 10_000


class Quota(BaseModel):
    """What one client may have of this replica; what is absent is not limited."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    samples_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    # Samples at once after a rest. Absent: those of 10 seconds.
    burst_samples: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    # Predicted work, of the whole device, in calls that are not answered yet.
    open_work_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    generators: list[str] | None = None

    @property
    def burst(self) -> float:
        return self.burst_samples or BURST_SECONDS * (self.samples_per_second or 0)


class Rules(BaseModel):
    """The file of --quotas (TOML)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    default: Quota = Quota()  # of each client that has none of its own
    clients: dict[str, Quota] = {}


class Account:
    """What one client has had, and has open. Used from any thread."""

    def __init__(self, name: str, metrics: Metrics, clock: Callable[[], float]) -> None:
        self.name = name
        self.quota = Quota()
        self.open_work = 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._spent = 0.0  # samples that the passing of time has not given back yet
        self._then = clock()
        self._refused = metrics.refused.labels("quota")
        self._forbidden = metrics.refused.labels("forbidden")

    @property
    def idle(self) -> bool:
        """True if it could be forgotten: it has nothing open and its full burst again."""
        return not self.open_work and not self._owed()

    @contextmanager
    def admit(self, generator: str, samples: int, work_seconds: float) -> Iterator[None]:
        """Around the work for one call.

        Raises QuotaExceeded or Forbidden; samples that were not made for want of room are not counted.
        """
        quota = self.quota
        if quota.generators is not None and generator not in quota.generators:
            self._forbidden.inc()
            raise Forbidden(
                f"client {quote(self.name)} may not draw from {quote(generator)}; "
                f"allowed: {choices(quota.generators) or 'none'}"
            )
        with self._lock:
            self._check_rate(samples)
            self._check_work(work_seconds)
            self._spent = self._owed() + samples
            self._then = self._clock()
            self.open_work += work_seconds
        refused = False
        try:
            yield
        except ServiceError:
            refused = True
            raise
        finally:
            with self._lock:
                self._spent -= samples * refused
                self.open_work = max(0.0, self.open_work - work_seconds)

    def during(
        self, generator: str, samples: int, work_seconds: float, submit: Callable[[], Future[Any]]
    ) -> Future[Any]:
        """As `admit`, around work that ends with a future."""
        admission = self.admit(generator, samples, work_seconds)
        admission.__enter__()
        try:
            work = submit()
        except BaseException as error:
            admission.__exit__(type(error), error, None)
            raise

        def leave(done: Future[Any]) -> None:
            error = None if done.cancelled() else done.exception()
            admission.__exit__(None if error is None else type(error), error, None)

        work.add_done_callback(leave)
        return work

    def _owed(self) -> float:
        rate = self.quota.samples_per_second
        return 0.0 if rate is None else max(0.0, self._spent - (self._clock() - self._then) * rate)

    def _check_rate(self, samples: int) -> None:
        rate, burst = self.quota.samples_per_second, self.quota.burst
        if rate is None:
            return
        # A call above the burst is let in when the burst is whole, and paid for by a longer wait afterwards.
        over = self._owed() + min(samples, burst) - burst
        if over > 0:
            self._refused.inc()
            raise QuotaExceeded(
                f"client {quote(self.name)} may draw {rate:g} samples/s (up to {burst:g} at once) from this server; "
                f"{samples} more in {over / rate:.3f} s",
                retry_after_seconds=over / rate,
            )

    def _check_work(self, work_seconds: float) -> None:
        limit = self.quota.open_work_seconds
        if limit is not None and self.open_work and self.open_work + work_seconds > limit:
            self._refused.inc()
            raise QuotaExceeded(
                f"client {quote(self.name)} has {self.open_work:.2f} s of work open and this call adds "
                f"{work_seconds:.2f} s; at most {limit:g} s may be open at a time",
                retry_after_seconds=min(self.open_work, self.open_work + work_seconds - limit),
            )


class Quotas:
    """All clients of one replica."""

    def __init__(self, rules: Watched[Rules], metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds, never going back."""
        self._rules = rules
        self._metrics = metrics
        self._clock = clock
        self._accounts: dict[str, Account] = {}

    def account(self, name: str) -> Account:
        """That of the client of this name, with the quota that now holds."""
        account = self._accounts.get(name)
        if account is None:
            if len(self._accounts) >= CLIENTS_LIMIT:
                self._accounts = {known: other for known, other in self._accounts.items() if not other.idle}
            account = self._accounts[name] = Account(name, self._metrics, self._clock)
        rules = self._rules.value
        account.quota = rules.clients.get(name, rules.default)
        return account


def parse(text: str, source: Path) -> Rules:
    """The rules in a file's text; raises FileError."""
    try:
        return Rules.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{source} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FileError(f"{source}: {place}: {first['msg']}") from error


def quotas_file(path: Path, metrics: Metrics) -> Watched[Rules]:
    """The rules of a file, read again when it changes; raises FileError."""
    return Watched("quotas", [path], lambda: parse(read_text(path), path), metrics)
