"""What is beyond the limits that a kind of data has for its own measurements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from training.data.kind import Measurement
from training.quality.findings.finding import Finding, FindingKind, Severity


def of_kind(measured: Sequence[Measurement]) -> Iterator[Finding]:
    """A warning for each whose interval is above its limit."""
    for each in measured:
        if each.limit is None or each.low <= each.limit:
            continue
        of_what = f" ({each.detail})" if each.detail else ""
        real = "" if each.real is None else f"; held-out real samples have {each.real:.3g}"
        name = each.name[0].upper() + each.name[1:]
        yield Finding(
            FindingKind.DEVIATION,
            Severity.WARNING,
            each.value,
            each.limit,
            f"{name}: {each.value:.3g}{of_what}, where at most {each.limit:g} passes{real}.",
            each.advice,
        )
