"""What texts are made of: characters, or byte-pair units of several; their ids, and the way back."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from training.data.errors import DataError

END = 0  # the id that ends a text; all after it are this one, too
STRANGE = "\ufffd"  # how a character that is no unit is shown
MOST_CHARACTERS = 2000  # different ones; a form has an element for each at every position
_BPE = re.compile(r"bpe:([1-9]\d{0,4})")
_LARGEST = 8192  # units that are learned

_JOINER = "\u200d"
_SKINS = range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)
_TAGS = range(0xE0020, 0xE0080)


def cleaned(text: str) -> str:
    """In the composed form of Unicode, without blanks and byte order marks at its ends."""
    return unicodedata.normalize("NFC", text).strip().strip("\ufeff").strip()


@dataclass(frozen=True)
class Units:
    """texts: of each id, that of END empty, all different; every character of a longer one is there by itself, too."""

    texts: tuple[str, ...]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {text: number for number, text in enumerate(self.texts) if number != END}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.texts))

    @property
    def several(self) -> bool:
        """Whether there are units of more than one character."""
        return self._longest > 1

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def unknown(self) -> int:
        """The id of characters that are no units. It is none of theirs, so no generator makes it."""
        return len(self.texts)

    def ids(self, text: str) -> list[int]:
        """The text from left to right, always by the longest unit that fits."""
        if not self.several:
            return [self._ids.get(character, self.unknown) for character in text]
        found, at = [], 0
        while at < len(text):
            for size in range(min(self._longest, len(text) - at), 0, -1):
                if (unit := self._ids.get(text[at : at + size])) is not None:
                    found.append(unit)
                    at += size
                    break
            else:
                found.append(self.unknown)
                at += 1
        return found

    def strings(self, raw: np.ndarray) -> list[str]:
        """int32 [n, length] -> the n texts; STRANGE stands for unknown characters."""
        texts = (*self.texts, STRANGE)
        return [
            "".join(texts[unit] for unit in itertools.takewhile(lambda each: each != END, row)) for row in raw.tolist()
        ]

    def cut(self, ids: Sequence[int], most: int) -> list[int]:
        """The first of the ids, at most so many, that part no letter from its accents and no emoji."""
        kept, texts = list(ids[:most]), (*self.texts, STRANGE)
        while kept and len(kept) < len(ids):
            before = "".join(texts[unit] for unit in kept)
            if not joined(before, texts[ids[len(kept)]]):
                return kept
            kept.pop()
        return kept or list(ids[:most])


def joined(before: str, after: str) -> bool:
    """Whether what one person reads as one character goes on from one text into the next."""
    first, last = after[:1], before[-1:]
    if not first or not last:
        return False
    code = ord(first)
    if unicodedata.category(first).startswith("M") or first == _JOINER or code in _SKINS or code in _TAGS:
        return True
    if last == _JOINER:
        return True
    if code in _FLAGS:  # two make a flag
        run = len(before) - len(before.rstrip("".join(map(chr, _FLAGS))))
        return run % 2 == 1
    return False


def characters(texts: Iterable[str]) -> Counter[str]:
    """How often each character occurs."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(text)
    return found


def asked(units: str | None) -> int | None:
    """How many byte-pair units are wanted; None: characters. Raises DataError."""
    if units is None or units == "characters":
        return None
    match = _BPE.fullmatch(units)
    if match is None or not int(match[1]) <= _LARGEST:
        raise DataError(
            f"--units {units!r} is neither 'characters' nor 'bpe:N' with N up to {_LARGEST:,}, e.g. bpe:256"
        )
    return int(match[1])


def check(name: str, counts: Counter[str], wanted: int | None) -> None:
    """Raise DataError if the characters of a source leave no room for the pairs that are wanted."""
    if wanted is not None and len(counts) >= wanted:
        raise DataError(
            f"{name}: has {len(counts):,} different characters, each of which is a unit; --units bpe:{wanted} leaves "
            f"none for pairs: ask for more, e.g. bpe:{len(counts) + 256}"
        )


def common(counts: Counter[str]) -> list[str]:
    """The most frequent characters, in the order of Unicode."""
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_CHARACTERS]
    return sorted(character for character, _ in most)


def learn(texts: Sequence[str], wanted: int | None) -> Units:
    """The most frequent characters, and pairs that are frequent (Sennrich et al. 2016), if so many are wanted.

    Characters stand in the order of Unicode, pairs in that in which they were found.
    """
    alphabet = common(characters(texts))
    pairs = _pairs(texts, alphabet, wanted) if wanted is not None and wanted > len(alphabet) else ()
    return Units(("", *alphabet, *pairs))


def _pairs(texts: Iterable[str], alphabet: Sequence[str], wanted: int) -> Iterator[str]:
    try:
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
    except ImportError as error:
        raise DataError("--units bpe:N needs the library tokenizers: pip install tokenizers") from error

    model = Tokenizer(models.BPE())
    # A blank begins a unit and never ends one, so that words are found again wherever they stand.
    model.pre_tokenizer = pre_tokenizers.Split(Regex(r"\s?\S+|\s+"), "isolated")
    trainer = trainers.BpeTrainer(
        vocab_size=wanted, min_frequency=2, initial_alphabet=list(alphabet), show_progress=False
    )
    model.train_from_iterator(texts, trainer)
    vocabulary = sorted(model.get_vocab().items(), key=lambda each: each[1])
    single = set(alphabet)
    return (text for text, _ in vocabulary if text not in single and len(text) > 1 and set(text) <= single)
