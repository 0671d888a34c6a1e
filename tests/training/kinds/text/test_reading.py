"""What is read of files of texts, and what a person is told."""

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from augmint.v1 import generator_pb2 as pb
from service.artifact import kinds as rules
from tests.training.kinds.text.made import folder, learned, read, texts, words
from training import kinds
from training.data import DataError
from training.kinds import load_again
from training.kinds.text.text import Text
from training.kinds.text.units import learn
from training.source import SourceOptions

VOWELS, CONSONANTS = words(40, "aeiou"), words(40, "kmnrt", 1)


@pytest.fixture
def two(tmp_path):
    return folder(tmp_path / "two", vowels=VOWELS, consonants=CONSONANTS)


def test_a_file_of_lines_is_a_class(two):
    dataset = read(two)
    assert dataset.class_names == ("consonants", "vowels")
    assert texts(dataset) == CONSONANTS + VOWELS
    assert dataset.samples.dtype == np.int32
    assert dataset.reading.layout == "one file of lines per class (2 files)"
    assert rules.fault(dataset.kind.spec) == ""


def test_a_folder_of_files_is_a_class_and_each_file_a_text(tmp_path):
    for name, own in (("b", VOWELS), ("a", CONSONANTS)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number, word in enumerate(own):
            (tmp_path / "data" / name / f"{number}.txt").write_text(f"{word}\nand\t{word}\n")
    (tmp_path / "data" / "README.txt").write_text("about")
    dataset = read(tmp_path / "data")
    assert dataset.class_names == ("a", "b")
    assert texts(dataset)[0] == f"{CONSONANTS[0]} and {CONSONANTS[0]}"[: dataset.kind.length]
    assert "'README.txt' beside the folders of the classes was not read" in dataset.notes[0]


def test_folders_called_train_and_test_are_splits(tmp_path):
    folder(tmp_path / "train", a=VOWELS, b=CONSONANTS)
    folder(tmp_path / "test", a=VOWELS[:5], b=CONSONANTS[:5])
    dataset = read(tmp_path)
    assert dataset.official_test.tolist() == list(range(80, 90))
    assert dataset.reading.splits == "'train' is for training, 'test' is the test split"
    folder(tmp_path / "test", c=VOWELS[:5])
    with pytest.raises(DataError, match=r"c.txt: its class 'c' is not in the training part, which has"):
        read(tmp_path)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "csv.gz"])
def test_columns_of_a_table_are_texts_and_labels(tmp_path, ending):
    rows = [(f'say "{word}", then', kind) for kind, own in (("v", VOWELS), ("c", CONSONANTS)) for word in own]
    path = tmp_path / f"intents.{ending}"
    if ending == "jsonl":
        content = "".join(json.dumps({"utterance": text, "intent": label, "id": 1}) + "\n" for text, label in rows)
    else:
        mark = "\t" if ending == "tsv" else ","
        quoted = (text.replace('"', '""') for text, _ in rows)
        content = f"utterance{mark}intent{mark}id\n" + "".join(
            f'"{text}"{mark}{label}{mark}1\n' for text, (_, label) in zip(quoted, rows, strict=True)
        )
    path.write_bytes(gzip.compress(content.encode()) if ending.endswith("gz") else content.encode())
    dataset = read(path, text="utterance", label="intent")
    assert dataset.class_names == ("v", "c")
    assert texts(dataset) == [text for text, _ in rows]
    with pytest.raises(DataError, match=r"has no column 'uterance'; did you mean 'utterance'\? It has 'utterance', "):
        read(path, text="uterance", label="intent")


def test_a_table_stays_a_table_where_nobody_asks_for_texts(tmp_path, two):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"{word},{word[0] < 'i'}\n" for word in VOWELS + CONSONANTS))
    assert kinds._kind_of(str(path), SourceOptions()).NAME == "table"
    assert kinds._kind_of(str(path), SourceOptions(text="text")).NAME == "text"
    assert kinds._kind_of(str(two), SourceOptions()).NAME == "text"
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").touch()
    folder(tmp_path / "pictures", a=VOWELS, b=VOWELS)
    assert kinds._kind_of(str(tmp_path / "pictures"), SourceOptions()).NAME == "image"


def test_what_the_length_is_and_how_many_are_cut_is_said(tmp_path):
    long = "a very long line that nobody expects here"
    dataset = learned(read(folder(tmp_path / "d", a=[*VOWELS * 3, long], b=CONSONANTS * 3)))
    assert dataset.kind.length == 8
    assert (
        "a text has up to 8 characters: 1 text is longer (0.4%), at most 41, and was cut, as "
        f"{long!r} ({tmp_path / 'd' / 'a.txt'}: line 121)" in dataset.notes
    )
    assert texts(dataset)[120] == long[:8]


def test_a_length_is_at_most_128_characters_and_units_that_hold_more_are_named(tmp_path):
    dataset = learned(read(folder(tmp_path / "d", a=["x" * 300] * 9, b=["xy" * 200] * 9)))
    assert dataset.kind.length == 128
    assert dataset.notes[-1].endswith("b.txt: line 1); --units bpe:512 holds more of each")


def test_of_a_very_long_text_the_beginning_is_read_and_that_is_said(tmp_path):
    dataset = read(folder(tmp_path / "d", a=[*VOWELS, "xy" * 1000], b=CONSONANTS))
    assert dataset.samples.shape == (81, 1024)
    assert texts(dataset)[40] == "xy" * 512
    assert (
        "of 1 text with more than 1,024 characters, at most 2,000, only the first 1,024 were read, the first at "
        f"{tmp_path / 'd' / 'a.txt'}: line 41" in dataset.notes
    )


def test_empty_lines_are_counted_and_line_ends_may_be_mixed(tmp_path):
    content = "\ufeff" + "\r\n".join(VOWELS[:20]) + "\r\n\r\n   \n" + "\n".join(VOWELS[20:]) + "\r" + "end"
    dataset = read(folder(tmp_path / "d", a=content, b=CONSONANTS))
    assert texts(dataset)[: len(VOWELS) + 1] == [*VOWELS, "end"]
    assert "left out: 2 empty lines" in dataset.reading.sentences()


def test_a_file_in_another_encoding_is_read_and_told_of(tmp_path):
    names = [f"{word}é" for word in VOWELS]
    dataset = read(folder(tmp_path / "d", a="\n".join(names).encode("cp1252"), b=CONSONANTS))
    assert texts(dataset)[:40] == names
    assert any("a.txt is not UTF-8 and was read as cp1252" in note for note in dataset.notes)
    dataset = read(folder(tmp_path / "e", a="\n".join(names).encode("utf-16"), b=CONSONANTS))
    assert texts(dataset)[:40] == names


def test_a_file_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a.txt: holds NUL characters; it is no text"):
        read(folder(tmp_path / "d", a=b"PNG\0" + b"x\0\0\0y" * 50, b=CONSONANTS))


def test_texts_from_right_to_left_and_with_accents_are_kept_in_composed_form(tmp_path):
    hebrew = [f"שלום {word}" for word in words(20, "אבגד")]
    decomposed = [f"{word}e\u0301" for word in words(20, "aou")]
    dataset = read(folder(tmp_path / "d", hebrew=hebrew, accents=decomposed))
    assert texts(dataset) == [each.replace("e\u0301", "é") for each in decomposed] + hebrew


def test_a_class_with_one_text_repeated_is_asked_about(tmp_path):
    dataset = read(folder(tmp_path / "d", a=["yes"] * 30, b=CONSONANTS))
    assert "Class 'a' has one text, 30 times." in [each.text for each in dataset.questions]
    with pytest.raises(DataError, match="all 60 texts are equal; there is nothing to learn"):
        read(folder(tmp_path / "e", a=["yes"] * 30, b=["yes"] * 30))


def test_half_of_a_character_in_json_is_named(tmp_path):
    path = tmp_path / "d.jsonl"
    rows = [json.dumps({"text": word, "label": word[0] in "aeiou"}) for word in VOWELS + CONSONANTS]
    path.write_text("\n".join([*rows, '{"text": "\\ud83d", "label": true}']))
    with pytest.raises(DataError, match="line 81 holds half of a character, as of an emoji cut in two; take it out"):
        read(path, text="text", label="label")


def test_an_empty_source_is_told_of(tmp_path):
    with pytest.raises(DataError, match=r"holds no texts, only 4 empty lines"):
        read(folder(tmp_path / "d", a="\n\n", b=" \n\n"))


def test_units_that_nobody_knows_are_refused(two):
    with pytest.raises(DataError, match="--units 'words' is neither 'characters' nor 'bpe:N'"):
        read(two, units="words")
    with pytest.raises(DataError, match=r"has 10 different characters.*ask for more, e.g. bpe:266"):
        read(two, units="bpe:8")


def test_units_of_several_characters_shorten_texts(tmp_path):
    lines = [f"please {word} the kitchen light" for word in ("switch on", "switch off", "dim") * 20]
    source = folder(tmp_path / "d", a=lines, b=[f"play {word} music" for word in CONSONANTS])
    dataset = learned(read(source, units="bpe:60"))
    assert set(texts(dataset)) == {*lines, *(f"play {word} music" for word in CONSONANTS)}
    assert len(dataset.kind.units) == 61
    assert dataset.kind.length < 30


def held_out(tmp_path, *texts: str) -> Path:
    """Texts of which some are a test split that training does not know."""
    folder(tmp_path / "train", a=VOWELS, b=CONSONANTS)
    return folder(tmp_path / "test", a=[*VOWELS[:5], *texts], b=CONSONANTS[:5]).parent


def test_units_and_length_are_learned_from_the_training_split_alone(tmp_path):
    dataset = read(held_out(tmp_path, "aeiou" * 9, "zöe"))
    known = dataset.fitted(np.arange(80))
    assert known.kind.spec.text.vocabulary == ["", *"aeikmnortu"]
    assert known.kind.length == 8
    assert known.samples.shape == (92, 8)
    assert texts(known)[:80] == VOWELS + CONSONANTS
    assert texts(known)[85:87] == ["aeiouaei", "\ufffd\ufffde"]
    cut, strange = known.notes[-2:]
    assert cut.startswith("a text has up to 8 characters: 1 text is longer (1.1%), at most 45, and was cut")
    assert strange == (
        "2 characters ('zö') of 1 text held out of training do not occur in it and cannot be made; the first is 'zöe' "
        f"({tmp_path / 'test' / 'a.txt'}: line 7)"
    )


def test_pairs_of_characters_are_learned_from_the_training_split_alone(tmp_path):
    dataset = read(held_out(tmp_path, *["quququ"] * 30), units="bpe:40")
    known = dataset.fitted(np.arange(80))
    assert not {text for text in known.kind.units.texts if set(text) & {"q"}}
    assert len(known.kind.units) == 41
    assert known.fitted(np.arange(40)).kind.units.texts[1:6] == ("a", "e", "i", "o", "u")


def test_a_repeat_of_a_study_learns_from_its_own_texts_and_its_samples_are_read_as_those_of_the_data(tmp_path):
    whole = learned(read(folder(tmp_path / "d", a=VOWELS, b=CONSONANTS)))
    own = whole.kind.fitted(whole.samples[:40], whole.labels[:40], 2)
    assert own.units.texts == ("", *"aeiou")
    raw = np.array([[5, 4, 0, 0, 0, 0, 0, 0]], np.int32)
    assert own.units.strings(raw) == ["uo"]
    (found,), notes = whole.kind.adopted(raw, own)
    assert whole.kind.units.strings(found[None]) == ["uo"]
    assert found.tolist() != raw[0].tolist()
    assert notes == ()
    back, _ = own.adopted(whole.samples[40:41], whole.kind)
    assert set(own.units.strings(back)[0]) == {"\ufffd"}


def test_a_held_out_character_that_is_unknown_is_none_of_the_units_to_a_network(tmp_path):
    dataset = read(held_out(tmp_path, "zz")).fitted(np.arange(80))
    encoded = dataset.kind.encode(torch.from_numpy(dataset.samples[85:86]))
    assert encoded[0, :, :3].sum(0).tolist() == [0, 0, 1]


def test_data_are_read_again_in_the_units_of_a_generator(two, tmp_path):
    dataset = read(two, units="bpe:20")
    generator = dataset.fitted(np.arange(40, 80)).kind
    again = load_again(generator.spec, str(two))
    assert again.digest == dataset.digest
    known = learned(again)
    assert (known.kind.units, known.kind.length) == (generator.units, generator.length)
    # Kept at first, so that a published file is judged in its own terms; a study's own generators learn theirs.
    assert known.kind.fitted(known.samples[:40], known.labels[:40], 2).units != generator.units


def test_data_of_a_generator_of_an_earlier_release_are_known_again(two):
    """Whose units were those of all of the data, and whose digest was of the texts in them."""
    units, length = learn(VOWELS + CONSONANTS, None), 8
    spec = Text(units, length).spec
    digest = hashlib.sha256(repr((80, 8)).encode())
    digest.update((np.arange(80) // 40).astype("<i8").data)
    for text in CONSONANTS + VOWELS:
        ids = units.ids(text)
        digest.update(np.array([*ids, *[0] * (8 - len(ids))], np.int32).data)
    again = load_again(spec, str(two))
    assert again.digest_before == digest.hexdigest()


def test_a_specification_holds_what_a_client_needs(two):
    spec = learned(read(two)).kind.spec
    assert spec.text == pb.TextSpec(vocabulary=["", *"aeikmnortu"], end_id=0)
    assert (list(spec.shape), spec.dtype) == ([8], pb.DATA_TYPE_INT32)


def test_emoji_and_marks_are_kept_whole_in_what_is_read(tmp_path):
    thumbs = [f"{word} \U0001f44d\U0001f3fd" for word in words(30, "abc")]
    marks = [f"q\u0308{word}" for word in words(30, "de")]
    dataset = learned(read(folder(tmp_path / "d", thumbs=thumbs, marks=marks)))
    assert {text[: dataset.kind.length] for text in texts(dataset)} == set(texts(dataset))
    assert set(texts(dataset)) == {*marks, *thumbs}


def test_the_systems_for_texts_are_listed():
    assert kinds.recommended("text") == ("gru", "textgan", "textvae", "textwgan")
