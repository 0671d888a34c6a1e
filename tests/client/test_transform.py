"""Client.transform: whatever form samples have, they are sent as the generator's own, and come back with labels."""

from __future__ import annotations

import asyncio
import io
import pickle
import wave

import grpc
import numpy as np
import pandas
import PIL.Image
import pytest
import torch

import augmint
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService, _Servicer, served

CONTENT = np.random.default_rng(3).integers(0, 200, (20, 4, 5, 3), dtype=np.uint8)


@pytest.fixture
def fake():
    return FakeService()


@pytest.fixture
def client(fake):
    with augmint.Client(transport=fake) as client:
        yield client


def test_samples_are_carried_in_pages_and_come_back_in_order_with_labels(fake, client):
    found = client.transform(CONTENT, "3", strength=0.5)
    wanted, source = fake.moved(CONTENT, np.full(20, 3), None, 0.5)
    assert np.array_equal(found.array, wanted)
    assert found.array.flags.writeable
    assert found.labels == ["3"] * 20
    assert found.source_class_indices.tolist() == source.tolist()
    assert found.source_labels == [fake.labels[index] for index in source]
    assert found.strength == 0.5
    assert sorted(len(request.data) // 60 for request in fake.carried) == [4, 8, 8]
    assert {request.label for request in fake.carried} == {"3"}


def test_each_sample_may_have_classes_of_its_own(fake, client):
    target, source = np.arange(20) % 4, np.arange(20) % 3
    found = client.transform(CONTENT, classes=target, source=[fake.labels[index] for index in source])
    assert np.array_equal(found.array, fake.moved(CONTENT, target, source, 1.0)[0])
    assert found.class_indices.tolist() == target.tolist()
    assert found.source_class_indices.tolist() == source.tolist()
    one = client.transform(CONTENT[:2], 0, source="bag")
    assert one.source_labels == ["bag", "bag"]


def test_parts_are_samples_with_what_belongs_to_them(client):
    found = client.transform(CONTENT, classes=np.arange(20) % 4)
    part = found[[3, 1]]
    assert isinstance(part, augmint.Transformed)
    assert part.labels == ["3", "bag"]
    assert part.source_labels == [found.source_labels[3], found.source_labels[1]]
    assert np.array_equal(found[5].array, found.array[5])
    assert (found[5].label, found[5].source_label) == ("bag", found.source_labels[5])
    assert len(found.to_images()) == 20
    assert "Transformed" in repr(found)
    assert found._repr_html_()
    with pytest.raises(augmint.InvalidRequest, match="have no address: send them again"):
        _ = found.address
    assert np.array_equal(pickle.loads(pickle.dumps(found)).array, found.array)


def test_images_samples_and_tensors_are_taken(fake, client):
    wanted = client.transform(CONTENT, "bag").array
    images = [PIL.Image.fromarray(one) for one in CONTENT]
    assert np.array_equal(client.transform(images, "bag").array, wanted)
    assert np.array_equal(client.transform(torch.from_numpy(CONTENT), "bag").array, wanted)
    drawn = client.generate("coat", 5, seed=1)
    assert np.array_equal(client.transform(drawn, "3").array, client.transform(drawn.array, "3").array)
    assert np.array_equal(
        client.transform(CONTENT[:, ::-1], "bag").array, client.transform(CONTENT[:, ::-1].copy(), "bag").array
    )
    gray = client.transform([images[0].convert("L")], "bag")
    assert np.array_equal(gray.array, client.transform([images[0].convert("L").convert("RGB")], "bag").array)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (
            CONTENT[0],
            r"samples are uint8 \[4, 5, 3\]; generator 'fake' takes uint8 \[n, 4, 5, 3\], or a list of PIL im",
        ),
        (CONTENT / 255, r"samples are float64 \[20, 4, 5, 3\]"),
        (CONTENT[:0], "the number of samples is 0"),
        ([], "give images as a list of PIL images, at least one"),
        ("cat.png", "samples are a str; give images as a list"),
        (
            [PIL.Image.new("RGB", (5, 4)), PIL.Image.new("RGB", (4, 5))],
            "image 1 is 4 x 5; generator 'fake' takes 5 x 4",
        ),
        ([PIL.Image.new("RGBA", (5, 4))], "image 0 has the mode RGBA; convert it to RGB"),
        ([PIL.Image.new("RGB", (5, 4)), 3], "sample 1 is a int; wanted a PIL image"),
        (None, "samples are a NoneType"),
    ],
)
def test_what_is_no_sample_is_refused_with_what_would_be_right(client, fake, samples, message):
    with pytest.raises(augmint.InvalidRequest, match=message):
        client.transform(samples, "3")
    assert not fake.carried


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either a label or classes"),
        ({"label": "3", "classes": ["3"] * 20}, "give either a label or classes"),
        ({"label": "4"}, "has no label '4'"),
        ({"classes": ["3"] * 19}, "there are 20 samples and 19 classes; give one for each"),
        ({"label": "3", "source": [0] * 3}, "there are 20 samples and 3 source"),
        ({"label": "3", "strength": 1.5}, r"strength is 1.5; it must be a number in \[0, 1\]"),
        ({"label": "3", "strength": float("nan")}, "strength is nan"),
        ({"label": "3", "strength": True}, "strength is True"),
        ({"label": "3", "digest": "0" * 64}, "is the file"),
    ],
)
def test_bad_options_are_refused_here(client, fake, options, message):
    with pytest.raises(augmint.AugmintError, match=message):
        client.transform(CONTENT, **options)
    assert not fake.carried


def test_a_generator_that_cannot_says_how_one_can(fake, client):
    fake.transforms = False
    with pytest.raises(augmint.InvalidRequest, match="fake version 1 cannot transform: its file has no encoder"):
        client.transform(CONTENT, "3")


def test_a_service_that_cannot_after_all_is_no_matter_of_digests(fake, monkeypatch):
    """Its own words, as service/rpc/carrying.py has them."""

    class Cannot(_Servicer):
        def Transform(self, request, context):
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "generator 'fake' version 1 cannot transform: its file")

    monkeypatch.setattr("tests.client.fakes._Servicer", Cannot)
    refusal = pytest.raises(augmint.InvalidRequest, match="cannot transform")
    with served(fake) as target, augmint.Client(target) as client, refusal:
        client.transform(CONTENT, "3")


def test_samples_of_another_form_are_not_taken_for_one_s_own(fake, client):
    drawn = client.generate("coat", 2, seed=1)
    fake.version, fake.sample = 2, pb.SampleSpec(shape=[4, 5, 3], dtype=pb.DATA_TYPE_UINT8)
    with augmint.Client(transport=fake) as other, pytest.raises(augmint.InvalidRequest, match="described otherwise"):
        other.transform(drawn, "3")


def test_calls_that_fail_in_passing_are_made_again_and_a_new_file_begins_again(fake, client):
    fake.faults = [augmint.Unavailable("away"), None, augmint.Overloaded("full", 0.001)]
    wanted = client.transform(CONTENT, "3").array
    assert np.array_equal(wanted, fake.moved(CONTENT, np.full(20, 3), None, 1.0)[0])
    fake.version = 2
    assert client.transform(CONTENT, "3").description.version == 2


def test_an_answer_to_something_else_is_a_fault(fake, client, monkeypatch):
    def answering(field, value):
        def wrong(request, timeout):
            right = FakeService.transform(fake, request, timeout)
            fields = {each.name: content for each, content in right.ListFields()}
            return pb.TransformResponse(**{**fields, field: value})

        return wrong

    for field, value in (
        ("data", b"x"),
        ("class_indices", [0, 0]),
        ("source_class_indices", [9, 0]),
        ("source_class_indices", [0]),
        ("digest", "f" * 64),
        ("strength", 0.25),
    ):
        monkeypatch.setattr(fake, "transform", answering(field, value))
        with pytest.raises(augmint.ServiceFault, match="the service answered with"):
            client.transform(CONTENT[:2], "3", source=[1, 0])


def test_asyncio_and_a_real_socket_give_the_same(fake):
    wanted = fake.moved(CONTENT, np.full(20, 3), None, 1.0)[0]

    async def scene(target):
        async with augmint.AsyncClient(target) as client:
            return await client.transform(CONTENT, "3")

    with served(fake) as target:
        assert np.array_equal(asyncio.run(scene(target)).array, wanted)
        with augmint.Client(target) as client:
            assert np.array_equal(client.transform(CONTENT, "3").array, wanted)


# -- kinds ---------------------------------------------------------------------------------------------------


TABLE = pb.SampleSpec(
    shape=[3],
    dtype=pb.DATA_TYPE_FLOAT32,
    table=pb.TableSpec(
        label="income",
        columns=[
            pb.ColumnSpec(name="age", integer=True, offset=20),
            pb.ColumnSpec(name="town", categories=["Ulm", "Jena", "Bonn", "Kiel", "Trier", "Mainz"]),
            pb.ColumnSpec(name="pay", missing=True),
        ],
    ),
)


def test_rows_go_in_as_they_came_out(fake, client):
    fake.sample = TABLE
    frame = pandas.DataFrame({"town": ["Jena", "Ulm"], "pay": [1.5, None], "age": [33, 44], "other": [1, 2]})
    found = client.transform(frame, "3", source="coat")
    assert found.to_frame().to_dict("list") == {
        "age": [34, 45],
        "town": ["Bonn", "Jena"],
        "pay": pytest.approx([2.5, float("nan")], nan_ok=True),
        "income": ["3", "3"],
    }
    rows = [{"town": "Jena", "pay": 1.5, "age": 33}, {"town": "Ulm", "pay": None, "age": 44}]
    again = client.transform(rows, "3", source="coat")
    assert again.array.tobytes() == found.array.tobytes()
    assert client.transform(found.to_frame(), "3", source="3").array.tobytes() == found.array.tobytes()
    with pytest.raises(augmint.InvalidRequest, match="column 'town' holds 'Rom'"):
        client.transform(frame.assign(town="Rom"), "3")
    with pytest.raises(augmint.InvalidRequest, match="give rows as a DataFrame or a list of dicts"):
        client.transform(["Ulm"], "3")


def test_texts_go_in_as_they_came_out(fake, client):
    fake.sample = pb.SampleSpec(
        shape=[4], dtype=pb.DATA_TYPE_INT32, text=pb.TextSpec(vocabulary=["", "a", "b", "c"], end_id=0)
    )
    found = client.transform(["ab", "c"], "3", source="3", strength=0.0)
    assert found.to_text() == ["ab", "c"]
    assert found.array.dtype == np.int32
    with pytest.raises(augmint.InvalidRequest, match="has a character that generator 'fake' has not learned"):
        client.transform(["abx"], "3")
    with pytest.raises(augmint.InvalidRequest, match="give texts as a list of str"):
        client.transform("ab", "3")


def test_sounds_go_in_as_they_came_out(fake, client):
    fake.sample = pb.SampleSpec(shape=[6], dtype=pb.DATA_TYPE_INT16, audio=pb.AudioSpec(sample_rate_hz=8000))
    raw = np.array([[0, 1, -1, 32767, -32768, 77]], np.int16)
    found = client.transform(raw, "3", source="3")
    assert np.array_equal(found.array, raw)
    assert np.array_equal(client.transform(found.to_audio(), "3", source="3").array, raw)
    assert np.array_equal(client.transform((raw, 8000), "3", source="3").array, raw)
    loud = (np.full((1, 6), 1.5), 8000)
    for wrong, message in (
        ((found.to_audio()[0], 16000), "have 16000 frames a second; generator 'fake' takes 8000: resample them"),
        ((np.zeros((1, 7)), 8000), r"sounds are \[1, 7\]; generator 'fake' takes \[n, 6\]: cut them"),
        (loud, r"values outside \[-1, 1\]"),
        ((np.full((1, 6), np.nan), 8000), r"values outside \[-1, 1\]"),
        ([], "there are no sounds"),
        ("a.wav", "give sounds as a pair"),
    ):
        with pytest.raises(augmint.InvalidRequest, match=message):
            client.transform(wrong, "3")


def test_files_of_one_sample_are_opened_or_refused():
    from augmint.kinds import KINDS

    sound, image = KINDS["audio"].intake.opened, KINDS["image"].intake.opened
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", "not compressed"))
        file.writeframes(np.arange(8, dtype="<i2").tobytes())
    array, rate = sound(content.getvalue())
    assert (array.tolist(), rate) == ([[0, 1], [2, 3], [4, 5], [6, 7]], 8000)
    with pytest.raises(augmint.InvalidRequest, match="no WAV file"):
        sound(b"hello")
    with pytest.raises(augmint.InvalidRequest, match="no image"):
        image(b"hello")
