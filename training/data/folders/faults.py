"""Files that cannot be used: a few are left out and named, more are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from training.data.errors import DataError
from training.data.wording import shown

# Unusable files: up to this share (and this count, for small folders) are skipped, and said; more is refused.
SKIPPED_SHARE = 0.01
SKIPPED_COUNT = 3


def tolerate(where: str, names: Sequence[str], faults: Mapping[int, str], nouns: str) -> None:
    """Raise DataError where too many of the named files have a fault; faults: of file number ..., in words."""
    total = len(names)
    if len(faults) > max(SKIPPED_COUNT, SKIPPED_SHARE * total) or len(faults) == total:
        listed = "; ".join(f"{shown(names[number])}: {fault}" for number, fault in sorted(faults.items())[:3])
        raise DataError(
            f"{where}: {len(faults)} of {total} {nouns} cannot be used; at most {SKIPPED_SHARE:.0%} "
            f"(or {SKIPPED_COUNT}) are skipped. {listed}"
        )
