"""Every kind of data: sound descriptions are taken, and each broken rule is refused with a sentence."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.artifact.kinds import KINDS, fault
from tests.service.artifact.test_artifact import message

NAMES = st.text(min_size=1, max_size=8)
COLUMNS = st.builds(
    lambda name, categories, whole: pb.ColumnSpec(name=name, categories=categories, integer=whole and not categories),
    NAMES,
    st.lists(NAMES, max_size=4, unique=True),
    st.booleans(),
)


@st.composite
def images(draw):
    color, channels = draw(st.sampled_from([(pb.COLOR_SPACE_GRAY, 1), (pb.COLOR_SPACE_RGB, 3)]))
    shape = [draw(st.integers(1, 64)), draw(st.integers(1, 64)), channels]
    return pb.SampleSpec(shape=shape, dtype=pb.DATA_TYPE_UINT8, image=pb.ImageSpec(color_space=color))


@st.composite
def sounds(draw):
    shape = draw(st.lists(st.integers(1, 2**16), min_size=1, max_size=2))
    spec = pb.AudioSpec(sample_rate_hz=draw(st.integers(1, 2**32 - 1)))
    return pb.SampleSpec(shape=shape, dtype=pb.DATA_TYPE_INT16, audio=spec)


@st.composite
def music(draw):
    lowest = draw(st.integers(0, 127))
    pitches = draw(st.integers(1, 128 - lowest))
    tracks = draw(st.lists(st.integers(1, 4), max_size=1))
    count = tracks[0] if tracks else 1
    programs = draw(st.lists(st.integers(0, 127), min_size=count, max_size=count))
    if count == 1 and draw(st.booleans()):
        programs = []
    spec = pb.MusicSpec(steps_per_quarter=draw(st.integers(1, 96)), lowest_pitch=lowest, programs=programs)
    spec.held_velocity = draw(st.integers(0, 127))
    spec.tempos.extend(draw(st.lists(st.floats(4, 1000, width=32), max_size=1)))
    beats, unit = draw(st.integers(1, 64)), draw(st.sampled_from([1, 2, 4, 8, 16, 32, 64]))
    spec.metres.extend([pb.Metre(beats=beats, unit=unit)] * draw(st.integers(0, 1)))
    return pb.SampleSpec(shape=[draw(st.integers(1, 512)), pitches, *tracks], dtype=pb.DATA_TYPE_UINT8, music=spec)


@st.composite
def texts(draw):
    vocabulary = draw(st.lists(st.text(max_size=8), min_size=1, max_size=20))
    spec = pb.TextSpec(vocabulary=vocabulary, end_id=draw(st.integers(0, len(vocabulary) - 1)))
    return pb.SampleSpec(shape=[draw(st.integers(1, 512))], dtype=pb.DATA_TYPE_INT32, text=spec)


@st.composite
def tables(draw):
    columns = draw(st.lists(COLUMNS, min_size=1, max_size=8, unique_by=lambda column: column.name))
    return pb.SampleSpec(shape=[len(columns)], dtype=pb.DATA_TYPE_FLOAT32, table=pb.TableSpec(columns=columns))


@st.composite
def arrays(draw):
    shape = draw(st.lists(st.integers(1, 16), min_size=1, max_size=5))
    return pb.SampleSpec(shape=shape, dtype=draw(st.sampled_from(list(artifact.DTYPES))))


SOUND = {"image": images(), "audio": sounds(), "music": music(), "text": texts(), "table": tables(), "array": arrays()}
TYPED = sorted(set(SOUND) - {"array"})


def test_the_table_has_a_row_for_every_kind_of_the_contract():
    assert set(KINDS) == {field.name for field in pb.SampleSpec.DESCRIPTOR.oneofs_by_name["kind"].fields} | {"array"}
    assert set(KINDS) == set(SOUND)


@given(st.one_of(*SOUND.values()))
def test_sound_descriptions_are_taken(sample):
    assert fault(sample) == ""


@given(st.one_of(*(SOUND[name] for name in TYPED)), st.data())
def test_another_dtype_is_refused_with_the_one_that_is_right(sample, data):
    name, wanted = sample.WhichOneof("kind"), sample.dtype
    sample.dtype = data.draw(st.sampled_from([dtype for dtype in pb.DataType.values() if dtype != wanted]))
    assert fault(sample).startswith(f"a sample of {name} is {KINDS[name].words}, but here it is ")


@given(st.one_of(*(SOUND[name] for name in TYPED)), st.data())
def test_a_shape_of_another_rank_is_refused(sample, data):
    ranks = {text.count(",") + 1 for text in KINDS[sample.WhichOneof("kind")].shapes}
    rank = data.draw(st.sampled_from(sorted({1, 2, 3, 4, 5} - ranks)))
    del sample.shape[:]
    sample.shape.extend([1] * rank)
    assert fault(sample).endswith(f"{[1] * rank}")


NAN = float("nan")


def image(shape=(8, 8, 1), color=pb.COLOR_SPACE_GRAY):
    return pb.SampleSpec(shape=shape, dtype=pb.DATA_TYPE_UINT8, image=pb.ImageSpec(color_space=color))


def roll(shape=(16, 88), lowest=21, steps=4, programs=(), metres=(), **more):
    metres = [pb.Metre(beats=beats, unit=unit) for beats, unit in metres]
    spec = pb.MusicSpec(steps_per_quarter=steps, lowest_pitch=lowest, programs=programs, metres=metres, **more)
    return pb.SampleSpec(shape=shape, dtype=pb.DATA_TYPE_UINT8, music=spec)


def text(vocabulary=("a", "b", ""), end_id=2):
    return pb.SampleSpec(shape=[9], dtype=pb.DATA_TYPE_INT32, text=pb.TextSpec(vocabulary=vocabulary, end_id=end_id))


def table(*columns, extent=None):
    return pb.SampleSpec(
        shape=[extent or len(columns)], dtype=pb.DATA_TYPE_FLOAT32, table=pb.TableSpec(columns=columns)
    )


PAY = pb.ColumnSpec(name="pay", minimum=0, maximum=10, missing=True, decimals=2)
PLACE = pb.ColumnSpec(name="place", categories=["Ulm", "Jena"], missing=True)
AGE, TOWN = pb.ColumnSpec(name="age", integer=True), pb.ColumnSpec(name="town", categories=["Ulm", "Jena"])


@pytest.mark.parametrize(
    ("sample", "sentence"),
    [
        (image(color=pb.COLOR_SPACE_UNSPECIFIED), "sample.image.color_space is not set"),
        (image(color=7), "sample.image.color_space is not set"),
        (image(color=pb.COLOR_SPACE_RGB), "COLOR_SPACE_RGB has channels: 3, but sample.shape is [8, 8, 1]"),
        (
            pb.SampleSpec(shape=[64], dtype=pb.DATA_TYPE_INT16, audio=pb.AudioSpec()),
            "sample.audio.sample_rate_hz is 0",
        ),
        (roll(steps=0), "sample.music.steps_per_quarter is 0"),
        (roll(lowest=41), "sample.music.lowest_pitch 41 with 88 pitches goes beyond the last one of MIDI, 127"),
        (roll(shape=(16, 129), lowest=0), "lowest_pitch 0 with 129 pitches goes beyond"),
        (roll(programs=(0, 1)), "sample.music.programs has length 2, but there are tracks: 1"),
        (roll(shape=(16, 88, 3)), "sample.music.programs has length 0, but there are tracks: 3"),
        (roll(programs=(128,)), "sample.music.programs holds 128; wanted 0 to 127"),
        (roll(held_velocity=128), "sample.music.held_velocity is 128; wanted 0 to 127"),
        (roll(tempos=[2]), "sample.music.tempos holds 2; wanted 4 to 1000 quarter notes a minute"),
        (roll(tempos=[NAN]), "sample.music.tempos holds nan; wanted 4 to 1000"),
        (roll(metres=[(0, 4)]), "sample.music.metres holds 0/4; wanted 1 to 64 over one of 1, 2, 4, 8, 16, 32, 64"),
        (roll(metres=[(6, 7)]), "sample.music.metres holds 6/7; wanted 1 to 64 over one of"),
        (text(vocabulary=()), "sample.text.vocabulary is empty"),
        (text(end_id=3), "sample.text.end_id is 3, and the vocabulary ends at 2"),
        (table(AGE, TOWN, extent=3), "sample.table.columns has length 2, but sample.shape is [3]"),
        (table(AGE, AGE), "sample.table.columns: name 'age' repeats"),
        (table(AGE, pb.ColumnSpec()), "sample.table.columns: name is empty"),
        (table(pb.ColumnSpec(name="town", categories=["Ulm", "Ulm"])), "columns[0].categories: 'Ulm' repeats"),
        (table(pb.ColumnSpec(name="town", categories=["Ulm"], integer=True)), "has categories and integer; wanted one"),
        (table(pb.ColumnSpec(name="town", categories=["Ulm"], offset=1)), "has categories and offset; wanted one"),
        (table(pb.ColumnSpec(name="pay", minimum=2, maximum=1)), "columns[0]: minimum 2 is above maximum 1"),
        (table(pb.ColumnSpec(name="pay", offset=float("inf"))), "minimum, maximum or offset is not finite"),
        (table(pb.ColumnSpec(name="pay", unit=9)), "columns[0].unit 9 is not a known ColumnUnit"),
    ],
)
def test_a_broken_rule_of_a_kind_is_refused_with_a_sentence(sample, sentence):
    assert re.search(re.escape(sentence), fault(sample))
    broken = message()
    broken.sample.CopyFrom(sample)
    with pytest.raises(artifact.ArtifactError, match=re.escape(sentence)):
        artifact.validate(broken)


def test_what_stands_for_each_label_is_as_many_as_labels_or_one():
    for count in (0, 1, 10):
        assert fault(roll(tempos=[120] * count, metres=[(3, 4)] * count), 10) == ""
    assert fault(roll(tempos=[120] * 2), 10) == "sample.music.tempos has length 2, but there are labels: 10"
    broken = message()
    broken.sample.CopyFrom(roll(metres=[(3, 4)] * 3))
    with pytest.raises(artifact.ArtifactError, match=r"sample\.music\.metres has length 3, but there are labels: 10"):
        artifact.validate(broken)


@pytest.mark.parametrize(
    ("sample", "good", "bad"),
    [
        (roll(), [0, 127], [[128], [255]]),
        (text(), [0, 2], [[3], [-1]]),
        (table(AGE, TOWN), [-7.0, 1.0], [[0, 2.0], [0, -1.0], [0, 0.5], [0, NAN], [NAN, 0], [0.5, 0]]),
        (table(PAY, PLACE), [NAN, NAN], [[-0.5, 0], [10.5, 0], [float("inf"), 0]]),
        (table(PAY, PLACE), [10.0, 1], []),
        (image(), [0, 255], []),
        (pb.SampleSpec(shape=[2], dtype=pb.DATA_TYPE_FLOAT32), [-1.5, float("inf")], []),
    ],
)
def test_golden_samples_hold_only_what_their_kind_can_mean(sample, good, bad):
    described = message()
    described.sample.CopyFrom(sample)
    del described.golden[1:]

    def of(values):
        filled = np.resize(np.array(values, artifact.sample_dtype(described)), tuple(sample.shape))
        described.golden[0].data = filled.tobytes()
        return described

    assert artifact.validate(of(good)) is described
    for values in bad:
        with pytest.raises(artifact.ArtifactError, match=r"golden\[0\].data holds what its kind cannot mean"):
            artifact.validate(of(values))
