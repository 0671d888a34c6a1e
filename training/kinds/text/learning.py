"""What is learned from the texts of the training split, and all others in its terms: units, and how many a text has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from training.data.wording import counted, shown
from training.kinds.text.units import END, Units, learn

SHARE_KEPT = 0.99  # of the texts that are to fit as they are
LONGEST = 128  # units of a text
STEP = 4  # the length is a multiple: networks halve it twice
_SHOWN = 60  # characters of a text in a message
_MANY = 0.05  # of the texts, cut


def learned(texts: Sequence[str], wanted: int | None) -> tuple[Units, int]:
    """Units of the texts, and the length that holds 99 of 100 of them whole. wanted: see units.learn."""
    units = learn(texts, wanted)
    return units, _length([len(units.ids(each)) for each in texts])


def _length(sizes: Sequence[int]) -> int:
    """Units of a sample, by how many the texts have."""
    enough = int(np.quantile(sizes, SHARE_KEPT, method="inverted_cdf"))
    return max(2 * STEP, min(LONGEST, -(-enough // STEP) * STEP))


def filled(ids: Sequence[Sequence[int]], units: Units, length: int) -> np.ndarray:
    """int32 [n, length] of the ids of n texts; what is longer is cut, between what a person reads as characters."""
    samples = np.full((len(ids), length), END, np.int32)
    for row, each in zip(samples, ids, strict=True):
        kept = each if len(each) <= length else units.cut(each, length)
        row[: len(kept)] = kept
    return samples


def told(
    texts: Sequence[str], ids: Sequence[Sequence[int]], units: Units, length: int, places: Mapping[str, str]
) -> list[str]:
    """What came of texts in these units and this length, in words. places: where a text stands, by itself."""
    noun = "units" if units.several else "characters"
    cut = [number for number, each in enumerate(ids) if len(each) > length]
    said = f"a text has up to {length} {noun}"
    if cut:
        worst = max(cut, key=lambda number: len(ids[number]))
        notes = [
            f"{said}: {counted(len(cut), 'text')} {'is' if len(cut) == 1 else 'are'} longer "
            f"({len(cut) / len(ids):.1%}), at most {len(ids[worst]):,}, and {'was' if len(cut) == 1 else 'were'} cut, "
            f"as {_named(texts[worst], places)}"
            + ("" if units.several or len(cut) < _MANY * len(ids) else "; --units bpe:512 holds more of each")
        ]
    else:
        notes = [f"{said}: the longest has {max(map(len, ids))}"]
    strange = [number for number, each in enumerate(ids) if units.unknown in each]
    if strange:
        missing = sorted({one for number in strange for one in texts[number]} - set(units.texts))
        notes.append(
            f"{counted(len(missing), 'character')} ({''.join(missing[:20])!r}) of {counted(len(strange), 'text')} held "
            f"out of training {'does' if len(missing) == 1 else 'do'} not occur in it and cannot be made; the first is "
            f"{_named(texts[strange[0]], places)}"
        )
    return [shown(each) for each in notes]


def _named(text: str, places: Mapping[str, str]) -> str:
    return f"{text[:_SHOWN]!r}" + (f" ({places[text]})" if text in places else "")
