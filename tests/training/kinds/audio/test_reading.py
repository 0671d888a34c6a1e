"""What is made of sounds: every rate, width, coding and length ends in one shape, and what was done is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.training.kinds.audio.made import RATE, classes, fill, put, read, tone
from training.data import DataError
from training.data.reading import Claim
from training.kinds import load as load_any
from training.kinds.audio import load, reads, sound


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("low", "high"):
        fill(tmp_path / "data" / name)
    return tmp_path / "data"


def sample_of(root: Path, path: Path, **options: object) -> np.ndarray:
    """The sample that a file became: the one with its number in the order of names."""
    data, _ = read(root, **options)
    paths = sorted(each for each in root.rglob("*") if each.suffix in sound.SUFFIXES)
    return data.samples[[each.relative_to(root).parts for each in paths].index(path.relative_to(root).parts)]


def pitch(frames: np.ndarray, rate: int = RATE) -> float:
    """Hertz of the loudest tone."""
    window = np.hanning(len(frames))
    return float(np.abs(np.fft.rfft(frames * window, 65536)).argmax() * rate / 65536)


def test_a_folder_of_sounds_is_read_and_a_folder_of_pictures_is_not(root: Path, tmp_path: Path) -> None:
    assert reads(str(root)) == Claim.SURE
    data = load_any(str(root))
    assert (classes(data), data.kind.spec.audio.sample_rate_hz) == ({"high": 8, "low": 8}, 8000)
    assert (data.samples.dtype, data.samples.shape) == (np.int16, (16, 1024))
    (tmp_path / "pictures" / "cat").mkdir(parents=True)
    for number in range(3):
        (tmp_path / "pictures" / "cat" / f"{number}.png").write_bytes(b"")
    put(tmp_path / "pictures" / "meow.wav")
    assert reads(str(tmp_path / "pictures")) == reads(str(tmp_path / "nothing")) == Claim.NONE


def test_one_sound_is_no_data_set(root: Path) -> None:
    assert reads(str(root / "low" / "000.wav")) == Claim.SURE
    with pytest.raises(DataError, match="it is one sound; name the folder with one folder of sounds per class"):
        load(str(root / "low" / "000.wav"))


@pytest.mark.parametrize(
    ("suffix", "how"),
    [
        (".wav", {"subtype": "PCM_16"}),
        (".wav", {"subtype": "PCM_24"}),
        (".wav", {"subtype": "PCM_32"}),
        (".wav", {"subtype": "PCM_U8"}),
        (".wav", {"subtype": "FLOAT"}),
        (".wav", {"subtype": "DOUBLE"}),
        (".wav", {"subtype": "ULAW"}),
        (".wav", {"subtype": "IMA_ADPCM"}),
        (".wav", {"endian": "BIG"}),
        (".flac", {"subtype": "PCM_24"}),
        (".ogg", {"subtype": "VORBIS"}),
        (".opus", {"format": "OGG", "subtype": "OPUS"}),
        (".mp3", {}),
        (".aiff", {}),
        (".au", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()),
)
def test_whatever_the_coding_the_same_tone_is_heard(root: Path, suffix: str, how: dict[str, str]) -> None:
    path = put(root / "low" / f"x{suffix}", tone("x", 0.128, hertz=440), **how)
    sample = sample_of(root, path)
    assert pitch(sample) == pytest.approx(440, abs=6)
    assert 9000 < np.abs(sample[200:800].astype(int)).max() < 18000  # 0.4 to 0.5 of full scale


@pytest.mark.parametrize("rate", [4000, 11025, 16000, 22050, 44100, 48000, 96000])
def test_other_rates_are_resampled_and_it_is_said(root: Path, rate: int) -> None:
    path = put(root / "low" / "x.wav", tone("x", 0.1, rate, hertz=440), rate)
    data, said = read(root)
    assert pitch(sample_of(root, path)[:800]) == pytest.approx(440, abs=3)
    assert f"1 sound of {rate:,} Hz became 8,000 Hz" in said
    assert ("1 sound had a lower rate than 8,000 Hz, and no tones above half of theirs" in said) == (rate < 8000)
    assert data.samples.shape[1] == 1024


def test_tones_that_the_rate_cannot_hold_are_gone_and_not_folded_back(root: Path) -> None:
    path = put(root / "low" / "x.wav", tone("x", 0.1, 48000, hertz=5000), 48000)
    assert np.abs(sample_of(root, path)[100:700].astype(int)).max() < 100


def test_16000_frames_a_second_are_made_if_asked_for(root: Path) -> None:
    data, _ = read(root, rate=16000)
    assert data.samples.shape == (16, 2048)
    assert data.kind.form == (1, 256, 8)
    assert data.kind.words == "0.128 s of sound at 16,000 Hz"
    with pytest.raises(DataError, match="--rate 44100: sounds are made at 8000 or 16000 frames a second"):
        read(root, rate=44100)


def test_channels_are_averaged_and_it_is_said(root: Path) -> None:
    one = tone("x", hertz=440)
    path = put(root / "low" / "x.wav", np.stack([one, np.zeros_like(one)], 1))
    assert "the channels of 1 sound were averaged to one" in read(root)[1]
    assert np.abs(sample_of(root, path).astype(int)).max() == pytest.approx(np.abs(one).max() * 32767 / 2, abs=2)


def test_channels_that_cancel_each_other_leave_the_first(root: Path) -> None:
    one = tone("x", hertz=440)
    path = put(root / "low" / "x.wav", np.stack([one, -one], 1))
    assert "the channels of 1 sound cancel each other; the first one was taken" in read(root)[1]
    assert np.abs(sample_of(root, path).astype(int)).max() > 10000


def test_length_is_what_holds_95_of_100_sounds_whole(tmp_path: Path) -> None:
    fill(tmp_path / "low", 19)
    put(tmp_path / "low" / "long.wav", tone("long", 3.0))
    fill(tmp_path / "high", 20)
    data, said = read(tmp_path)
    assert data.samples.shape[1] == 1024
    assert "sounds of 0.10 to 3.00 s became samples of 0.128 s, 1 cut to their loudest part" in said
    assert "39 with silence added at the end" in said


def test_length_is_never_more_than_four_seconds_unless_asked_for(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(8):
            put(tmp_path / name / f"{number}.wav", tone(f"{name}{number}", 5.0))
    assert read(tmp_path)[0].samples.shape[1] == 32768  # 4.096 s, the next whole step
    assert read(tmp_path, seconds=5)[0].samples.shape[1] == 40960


@pytest.mark.parametrize("seconds", [0, 0.01, 17, float("nan"), float("inf")])
def test_a_length_that_no_sample_can_have_is_refused(root: Path, seconds: float) -> None:
    with pytest.raises(DataError, match=r"--seconds .* is outside \[0.064, 16\]"):
        read(root, seconds=seconds)


def test_a_long_sound_is_cut_to_its_loudest_part(root: Path) -> None:
    quiet, loud = tone("q", 1.0, hertz=300, loud=0.01), tone("l", 0.128, hertz=1000)
    path = put(root / "low" / "x.wav", np.concatenate([quiet, loud, quiet]))
    assert pitch(sample_of(root, path, seconds=0.128)) == pytest.approx(1000, abs=3)


def test_silence_is_counted_and_asked_about(root: Path) -> None:
    put(root / "low" / "x.wav", np.zeros(800))
    _, said = read(root)
    assert "silent throughout: 1 sound" in said
    assert "Silent throughout: 'low/x.wav'. Remove them, unless silence is what their class means." in said


def test_clipped_sounds_are_counted(root: Path) -> None:
    put(root / "low" / "x.wav", (tone("x") * 20).clip(-1, 1))
    assert "clipped, with over 0.1% of the frames at full scale: 1 sound" in read(root)[1]


def test_a_float_file_a_little_beyond_full_scale_is_cut_and_far_beyond_is_refused(root: Path) -> None:
    put(root / "low" / "x.wav", tone("x") * 4, subtype="FLOAT")
    assert "at full scale: 1 sound" in read(root)[1]
    put(root / "low" / "y.wav", tone("y") * 32768, subtype="FLOAT")
    assert "skipped low/y.wav: has levels up to" in read(root)[1]
    put(root / "low" / "y.wav", np.full(800, np.nan), subtype="FLOAT")
    assert "skipped low/y.wav: holds values that are no numbers" in read(root)[1]


def wma(path: Path) -> None:
    """A WAV file whose header names a coding that needs a decoder of its own."""
    put(path)
    content = bytearray(path.read_bytes())
    content[20:22] = (0x0161).to_bytes(2, "little")  # WMA 2
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.write_bytes(b""), "an empty file"),
        (
            lambda path: path.write_bytes(b"not a sound at all, but a text"),
            "damaged, or no sound of a kind that is read",
        ),
        (lambda path: path.write_bytes(put(path).read_bytes()[:30]), "damaged, or no sound of a kind that is read"),
        (wma, "coded as 0x0161, for which there is no decoder here: ffmpeg"),
        (
            lambda path: path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(64)),
            "coded as AAC (an MP4 file), for which there is no decoder here",
        ),
        (lambda path: put(path, np.zeros(0)), "holds no frame of sound; at least 10 ms are needed"),
        (lambda path: put(path, tone("x", 0.005)), "holds 5 ms of sound; at least 10 ms are needed"),
        (lambda path: put(path, tone("x"), 500), "500 frames a second; from 1,000 to 768,000 are read"),
    ],
    ids=["empty", "text", "header cut", "no decoder", "aac", "no frames", "too short", "rate"],
)
def test_what_cannot_be_used_is_left_out_and_named(root: Path, damage, told: str) -> None:
    damage(root / "low" / "x.wav")
    data, said = read(root)
    assert len(data.samples) == 16
    assert f"skipped low/x.wav: {told}" in said


def test_a_flac_file_cut_short_is_left_out_and_named(root: Path) -> None:
    path = put(root / "low" / "x.flac", tone("x", 2.0))
    path.write_bytes(path.read_bytes()[:-2000])
    data, said = read(root)
    assert len(data.samples) == 16
    assert "skipped low/x.flac: damaged" in said


def test_many_damaged_files_are_refused(root: Path) -> None:
    for number in range(4):
        (root / "low" / f"x{number}.wav").write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"4 of 20 sounds cannot be used; at most 1% \(or 3\) are skipped. low/x0.wav"):
        read(root)


def test_a_recording_of_hours_is_told_to_be_cut(root: Path) -> None:
    put(root / "low" / "x.flac", np.zeros(8000 * 601), 8000)
    assert "skipped low/x.flac: 10 minutes long; at most 10: cut it into samples" in read(root)[1]


def test_sounds_that_are_not_read_are_asked_about(root: Path) -> None:
    (root / "low" / "x.m4a").write_bytes(b"")
    assert "1 .m4a files are not read. Convert them to WAV or FLAC: ffmpeg -i IN OUT.wav converts one." in read(root)[1]


def test_a_folder_of_nothing_else_says_how_to_convert(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / f"{number}.m4a").write_bytes(b"")
    assert reads(str(tmp_path)) == Claim.SURE
    with pytest.raises(
        DataError, match=r"3 .m4a files are not read. Convert them to WAV or FLAC: ffmpeg -i IN OUT.wav"
    ):
        load(str(tmp_path))


def test_splits_of_folders_are_the_sources_own(tmp_path: Path) -> None:
    for name in ("low", "high"):
        fill(tmp_path / "train" / name, 8)
        fill(tmp_path / "test" / name, 2, first=100)
    data, _ = read(tmp_path)
    assert classes(data) == {"high": 10, "low": 10}
    assert len(data.official_test) == 4
    assert data.reading.splits == "'train' is for training, 'test' is the test split"


def test_a_scarce_class_is_refused_or_left_out(root: Path) -> None:
    fill(root / "rare", 3)
    with pytest.raises(
        DataError, match="class 'rare' has 3 samples; at least 8 are needed; --drop-scarce leaves it out"
    ):
        read(root)
    assert classes(read(root, drop_scarce=True)[0]) == {"high": 8, "low": 8}


def test_sounds_that_are_all_alike_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for number in range(8):
            put(tmp_path / name / f"{number}.wav", tone("same"))
    with pytest.raises(DataError, match="all 16 sounds are equal; there is nothing to learn"):
        load(str(tmp_path))


def test_options_of_other_kinds_are_refused_in_words(root: Path) -> None:
    from training.source import SourceOptions

    with pytest.raises(DataError, match="is read as audio, which does not take --size; it takes --rate, --seconds"):
        load_any(str(root), SourceOptions(size=32))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), start=st.sampled_from([b"", b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb"]))
def test_any_bytes_are_a_sound_or_a_sentence(tmp_path: Path, content: bytes, start: bytes) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(start + content)
    found = sound.header(path)
    decoded = sound.decode(path, RATE) if not isinstance(found, str) else found
    assert isinstance(decoded, str | sound.Sound)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 1643), value=st.integers(0, 255))
def test_a_damaged_byte_makes_no_crash(tmp_path: Path, place: int, value: int) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, tone("x"), RATE)
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content)
    found = sound.header(path)
    decoded = sound.decode(path, RATE) if not isinstance(found, str) else found
    assert isinstance(decoded, str) or np.isfinite(decoded.frames).all()
