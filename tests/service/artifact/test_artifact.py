import threading

import numpy as np
import onnx
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from augmint.v1 import generator_pb2 as pb
from service import artifact
from tests import generators


def message():
    model = onnx.load_from_string(generators.build())
    return artifact.from_json(next(e.value for e in model.metadata_props if e.key == artifact.METADATA_KEY))


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=50, unique=True))
def test_mixed_seeds_are_odd_and_far_apart(seeds):
    mixed = [int(artifact.mix_seed(seed)) for seed in seeds]
    assert all(key % 2 == 1 for key in mixed)
    # Making a key odd may join two seeds, once in 2^63; hypothesis does not find those.
    assert len(set(mixed)) == len(seeds)


def test_mixing_is_splitmix64():
    # First outputs of the reference implementation for the state 0 and 1234567, made odd.
    assert artifact.mix_seed(0) == np.uint64(0xE220A8397B1DCDAF | 1)
    assert artifact.mix_seed(1234567) == np.uint64(6457827717110365317 | 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: setattr(m, "name", "Tiny"), "name 'Tiny' does not match"),
        (lambda m: setattr(m, "name", "../x"), "does not match"),
        (lambda m: setattr(m, "version", 0), "version 0 is below 1"),
        (lambda m: m.ClearField("labels"), "no labels"),
        (lambda m: m.labels.append(""), "an empty label"),
        (lambda m: m.labels.append("3"), "labels repeat"),
        (lambda m: setattr(m.sample, "dtype", pb.DATA_TYPE_UNSPECIFIED), "sample.dtype 0"),
        (lambda m: m.sample.ClearField("shape"), "sample.shape is empty"),
        (lambda m: m.sample.shape.append(0), "has a zero"),
        (lambda m: m.sample.shape.extend([2**31, 2**31, 2**31]), "at most 16 MiB"),
        (lambda m: setattr(m, "latent_size", 65537), "latent_size 65537"),
        (lambda m: setattr(m.sample.image, "color_space", 0), "color_space is not set"),
        (
            lambda m: setattr(m.sample.image, "color_space", pb.COLOR_SPACE_RGB),
            r"COLOR_SPACE_RGB has channels: 3, but sample.shape is \[8, 8, 1\]",
        ),
        (lambda m: m.ClearField("golden"), "no golden samples"),
        (lambda m: setattr(m.golden[1], "class_index", 10), r"golden\[1\].class_index 10"),
        (lambda m: setattr(m.golden[1], "index", 2**48), r"golden\[1\].index"),
        (lambda m: setattr(m.golden[0], "truncation", float("nan")), r"golden\[0\].truncation nan"),
        (lambda m: setattr(m.golden[0], "data", b"12"), r"golden\[0\].data has 2 bytes; a sample has 64"),
    ],
)
def test_metadata_that_break_a_rule_are_refused_by_name(change, reason):
    broken = message()
    change(broken)
    with pytest.raises(artifact.ArtifactError, match=reason):
        artifact.validate(broken)


@given(st.text(max_size=60))
def test_text_that_is_no_metadata_is_an_artifact_error(text):
    with pytest.raises(artifact.ArtifactError):
        artifact.from_json(text)


def test_metadata_of_a_newer_training_run_can_be_read():
    text = json_format.MessageToJson(message()).replace("{", '{"newField": 1,', 1)
    assert artifact.from_json(text) == message()


def signature():
    inputs = [artifact.Tensor(name, dtype, ("n",)) for name, dtype in artifact.INPUTS.items()]
    return inputs, [artifact.Tensor("sample", np.dtype("<u1"), ("n", 8, 8, 1))]


def test_the_promised_signature_is_accepted():
    artifact.check_signature(message(), *signature())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda i, o: i.pop(), "graph inputs are .*wanted seed, index, label, truncation"),
        (lambda i, o: i.__setitem__(0, i[0]._replace(dtype=np.dtype("<i8"))), "input seed is int64"),
        (lambda i, o: i.__setitem__(1, i[1]._replace(shape=(64,))), r"input index is uint64 \[64\].*n dynamic"),
        (lambda i, o: i.__setitem__(1, i[1]._replace(shape=())), "input index"),
        (lambda i, o: o.append(o[0]._replace(name="score")), "graph outputs are"),
        (lambda i, o: o.__setitem__(0, o[0]._replace(shape=("n", 64))), "output sample"),
        (lambda i, o: o.__setitem__(0, o[0]._replace(dtype=np.dtype("<f4"))), "output sample is float32"),
        (lambda i, o: o.__setitem__(0, o[0]._replace(dtype=None)), "output sample is None"),
    ],
)
def test_another_signature_is_refused(change, reason):
    inputs, outputs = signature()
    change(inputs, outputs)
    with pytest.raises(artifact.ArtifactError, match=reason):
        artifact.check_signature(message(), inputs, outputs)


def recorded(generator):
    return np.stack([np.frombuffer(g.data, np.uint8).reshape(8, 8, 1) for g in generator.golden])


def test_golden_samples_may_differ_by_a_rare_rounding_and_no_more():
    generator = message()
    samples = recorded(generator)
    artifact.check_golden(generator, samples)
    samples[0, 0, 0, 0] ^= 1  # one level in one of 64 elements
    artifact.check_golden(generator, samples)
    samples[0, 1, 1, 0] ^= 1
    with pytest.raises(artifact.ArtifactError, match=r"golden sample 0 \(seed 7, index 1000, class '0'\)"):
        artifact.check_golden(generator, samples)
    samples = recorded(generator)
    samples[2, 0, 0, 0] ^= 2
    with pytest.raises(artifact.ArtifactError, match="golden sample 2"):
        artifact.check_golden(generator, samples)


def test_golden_sounds_may_differ_by_what_is_not_heard():
    recorded = np.arange(-500, 500, dtype="<i2")
    audio = pb.SampleSpec(shape=[1000], dtype=pb.DATA_TYPE_INT16, audio=pb.AudioSpec(sample_rate_hz=8000))
    generator = pb.Generator(labels=["a"], sample=audio)
    generator.golden.add(data=recorded.tobytes())
    artifact.check_golden(generator, recorded[None] + np.int16(6))
    samples = recorded[None].copy()
    samples[0, :20] += 256
    artifact.check_golden(generator, samples)
    for change in ((slice(0, 21), 7), (slice(0, 1), 257)):
        samples = recorded[None].copy()
        samples[0, change[0]] += change[1]
        with pytest.raises(artifact.ArtifactError, match="golden sample 0"):
            artifact.check_golden(generator, samples)


def test_golden_music_may_have_a_note_more_or_less_and_no_other_tune():
    generator = message()
    music = pb.MusicSpec(steps_per_quarter=4, lowest_pitch=60, held_velocity=89)
    generator.sample.CopyFrom(pb.SampleSpec(shape=[64, 40], dtype=pb.DATA_TYPE_UINT8, music=music))
    recorded = np.zeros((64, 40), np.uint8)
    recorded[np.arange(0, 64, 2), np.arange(32) % 7] = 90
    del generator.golden[:]
    generator.golden.add(data=recorded.tobytes())
    samples = recorded[None].copy()
    samples[0, [0, 1], [9, 9]] = 90, 89
    artifact.check_golden(generator, samples)
    for wrong in (np.zeros_like(samples), samples[:, ::-1], np.roll(recorded[None], 1, 2)):
        with pytest.raises(artifact.ArtifactError, match="golden sample 0"):
            artifact.check_golden(generator, wrong)


def test_a_golden_sample_that_is_not_a_number_is_refused():
    generator = pb.Generator(labels=["a"], sample=pb.SampleSpec(shape=[2], dtype=pb.DATA_TYPE_FLOAT32))
    generator.golden.add(data=np.array([1, 2], "<f4").tobytes())
    artifact.check_golden(generator, np.array([[1, 2.0001]], np.float32))
    for bad in (np.nan, np.inf, 2.1):
        with pytest.raises(artifact.ArtifactError):
            artifact.check_golden(generator, np.array([[1, bad]], np.float32))


def test_publishing_counts_versions_up_and_leaves_nothing_else(tmp_path):
    (tmp_path / "tiny" / "7").mkdir(parents=True)
    (tmp_path / "tiny" / "latest").mkdir()
    paths = [artifact.publish(tmp_path, "tiny", lambda version: f"v{version}".encode()) for _ in range(2)]
    assert paths == [tmp_path / "tiny" / str(version) / "model.onnx" for version in (8, 9)]
    assert paths[1].read_bytes() == b"v9"
    assert artifact.published_versions(tmp_path, "tiny") == [7, 8, 9]
    assert sorted(entry.name for entry in (tmp_path / "tiny").iterdir()) == ["7", "8", "9", "latest"]


def test_publishers_at_the_same_time_overwrite_nothing(tmp_path):
    together = threading.Barrier(4)

    def build(version):
        if not together.broken:
            together.wait(60)
            together.abort()
        return b"%d" % version

    def publish():
        try:
            artifact.publish(tmp_path, "tiny", build)
        except threading.BrokenBarrierError:
            artifact.publish(tmp_path, "tiny", build)

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert artifact.published_versions(tmp_path, "tiny") == [1, 2, 3, 4]
    for version in range(1, 5):
        assert (tmp_path / "tiny" / str(version) / "model.onnx").read_bytes() == b"%d" % version


def test_a_failed_build_publishes_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        artifact.publish(tmp_path, "tiny", lambda version: 1 // 0)
    assert artifact.published_versions(tmp_path, "tiny") == []
    assert list((tmp_path / "tiny").iterdir()) == []


def test_a_name_that_is_no_name_is_refused(tmp_path):
    with pytest.raises(artifact.ArtifactError, match=r"generator name '\.\./x'"):
        artifact.publish(tmp_path, "../x", lambda version: b"")
    assert list(tmp_path.iterdir()) == []
