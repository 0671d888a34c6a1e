"""What the C library keeps of freed memory: enough for answers, nothing of unloaded versions.

For glibc; other C libraries have their own ways.
"""

from __future__ import annotations

import ctypes

# From <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

_libc = ctypes.CDLL(None)
_GLIBC = hasattr(_libc, "mallopt") and hasattr(_libc, "malloc_trim")


def one_arena() -> None:
    """Have all threads take memory from one arena. Call it before other threads start.

    By default threads have up to eight arenas for each core, and each keeps the most that was ever taken from it.
    Buffers of a version come from the thread that loads or runs it, so the process grew with every version ever served,
    although nothing held them: by 45 MiB in 150 swaps of a tiny generator on two cores. Besides, `trim` reaches the end
    of one arena only. No slower, measured in turns with the default on two cores: 4 readers
    of pages of 1 MiB, 16 of 32 rows, 32 of one.
    """
    if _GLIBC:
        _libc.mallopt(_M_ARENA_MAX, 1)


def keep_freed() -> None:
    """Keep the memory of answers for the next ones.

    By default each answer of a MiB or more is memory that is mapped, cleared, used once and unmapped. Measured with a
    nearly free generator of 28 x 28 images and 4 readers, in turns with the default: 30 % more samples/s with pages of
    1 MiB and 39 % with 4 MiB, for 9 to 25 MiB of memory.
    """
    if _GLIBC:
        _libc.mallopt(_M_MMAP_THRESHOLD, 2**25)  # the most that glibc takes
        _libc.mallopt(_M_TRIM_THRESHOLD, 2**28)


def trim() -> None:
    """Give unused memory back to the system; called after a version was loaded or unloaded.

    Other threads' large allocations wait for it: 3 ms for 32 MiB, 15 ms for 128.
    """
    if _GLIBC:
        _libc.malloc_trim(0)
