"""Texts as ids of units, and the way back, to a client."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augmint.generators import Description
from augmint.kinds import text as handed
from augmint.samples import Samples
from augmint.v1 import generator_pb2 as pb
from service.artifact import kinds as rules
from training.kinds.text.text import Text
from training.kinds.text.units import END, Units, cleaned, joined, learn

ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


def description(kind: Text) -> Description:
    message = pb.Generator(name="texts", version=1, labels=["a"], sample=kind.spec, latent_size=0)
    status = pb.GeneratorStatus(name="texts", version=1, digest="0" * 64)
    return Description.read(pb.GetGeneratorResponse(generator=message, status=status))


def handed_over(kind: Text, texts: list[str]) -> Samples:
    raw = np.full((len(texts), kind.length), END, np.int32)
    for row, text in zip(raw, texts, strict=True):
        ids = kind.units.ids(text)
        row[: len(ids)] = ids
    n = len(texts)
    return Samples(raw, np.zeros(n, np.int64), np.arange(n, dtype=np.uint64), description(kind), 7, 1.0)


@settings(deadline=None)
@given(st.lists(ANY, min_size=1, max_size=8), st.sampled_from([None, 300]))
def test_any_text_survives_from_the_data_over_the_specification_to_a_client(texts, wanted):
    texts = [cleaned(text) for text in texts]
    units = learn(texts, wanted)
    kind = Text(units, max(8, max(map(len, texts))))
    assert rules.fault(kind.spec) == ""
    samples = handed_over(kind, texts)
    assert rules.checker(kind.spec)(samples.array) == ""
    assert samples.to_text() == texts
    assert kind.units.strings(samples.array) == texts
    # A client that has texts of its own finds the same ids.
    assert np.array_equal(handed.encode(texts, samples.description), samples.array)


def test_a_text_is_cut_between_what_people_read_as_characters():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    flag, thumb, accent = "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd", "x\u0301"
    for whole in (family, flag, thumb, accent):
        text = f"ab{whole}"
        units = learn([text], None)
        ids = units.ids(text)
        for most in range(3, len(ids)):
            assert units.texts[0] == ""
            assert "".join(units.texts[each] for each in units.cut(ids, most)) == "ab"
        assert units.cut(ids, len(ids)) == ids
    two = learn([flag * 2], None)
    assert len(two.cut(two.ids(flag * 2), 3)) == 2


def test_one_character_that_is_longer_than_a_text_is_cut_all_the_same():
    units = learn(["a" + "\u0301" * 9], None)
    assert len(units.cut(units.ids("a" + "\u0301" * 9), 4)) == 4


@given(st.text(min_size=1, max_size=3), st.text(min_size=1, max_size=3))
def test_letters_stay_apart_unless_the_second_is_a_mark(before, after):
    if not unicodedata.category(after[0]).startswith(("M", "S", "C")) and before[-1] != "\u200d":
        assert not joined(before, after)


def test_the_longest_unit_that_fits_is_taken_from_the_left():
    units = Units(("", "a", "b", "ab", "abb"))
    assert units.ids("abbab") == [4, 3]


def test_a_character_that_is_no_unit_is_unknown_and_shown_as_such():
    units = Units(("", "a", "b", "ab"))
    assert units.ids("abca") == [3, 4, 1]
    assert units.unknown == 4
    assert units.strings(np.array([[3, 4, 1, END]])) == ["ab\ufffda"]
    assert Units(("", "a", "b")).ids("axb") == [1, 3, 2]


def test_units_are_the_same_whenever_they_are_learned():
    texts = [f"{one} {two}" for one in ("turn on", "turn off", "dim") for two in ("the light", "the lamp", "a fan")] * 3
    assert learn(texts, 64) == learn(texts, 64)
    assert len(learn(texts, 40)) == 41


def test_rare_characters_beyond_those_that_are_learned_are_left_out(monkeypatch):
    monkeypatch.setattr("training.kinds.text.units.MOST_CHARACTERS", 3)
    assert learn(["aaabbbcccd"], None).texts == ("", "a", "b", "c")


@pytest.mark.parametrize("text", ["\ufeff hello \u3000", "\n\thello\r\n", "hello"])
def test_blanks_and_marks_at_the_ends_go(text):
    assert cleaned(text) == "hello"
