"""Pages of a real service, over real sockets."""

import csv
import io
import re
import wave
import zipfile
from html import unescape
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

import augmint
from augmint.v1 import generator_pb2 as pb
from tests.client import tables
from tests.client.browse.serving import addresses, get, links, page_of, words
from tests.client.fakes import FakeService


def test_the_list_has_a_picture_kind_classes_verdict_capacity_and_digest_of_every_generator(site, service):
    page = get(f"{site}/")
    with augmint.Client(service.target) as client:
        for status in client.generators():
            if status.is_default:
                assert status.digest[:12] in page.text
                assert f"{status.capacity_samples_per_second:,.0f} samples/s" in page.text
    assert page.status == 200
    assert {"/g/tiny/2", "/g/people/1", "/g/tones/1", "/g/tiny/1"} <= set(links(page))
    told = words(page)
    assert all(
        word in told for word in ("image", "table", "audio", "10 classes", "not measured", "no, yes", "version 1")
    )
    assert page.text.count("data:image/png;base64,") == 4  # the golden samples of tiny, for which nothing is drawn
    assert page.text.count("data:image/svg") >= 2  # of tones and tunes


def test_the_address_of_a_name_leads_to_its_default_version(site):
    answer = get(f"{site}/g/tiny")
    assert (answer.status, answer.headers["location"]) == (307, "/g/tiny/2")


def test_samples_are_those_that_the_client_draws(site, service):
    page = get(f"{site}/g/tiny/2?label=7&seed=18446744073709551615&start=100&n=5&truncation=0.5&keep=1&of=4")
    assert page.status == 200
    with augmint.Client(service.target) as client:
        samples = client.generate(
            "7", 5, seed=2**64 - 1, start_index=100, truncation=0.5, keep=1, of=4, generator="tiny", version=2
        )
        shown = [client.replay(address) for address in addresses(page)]
    assert np.array_equal(np.concatenate([one.array for one in shown]), samples.array)
    assert len(re.findall(r"data:image/png", page.text)) == 5


def test_a_page_without_a_query_has_every_class_and_is_the_same_page_each_time(site):
    page = get(f"{site}/g/tiny/1")
    assert get(f"{site}/g/tiny/1?seed=0").text.count("<figure") == page.text.count("<figure") == 100
    assert addresses(page) == addresses(get(f"{site}/g/tiny/1"))
    assert {int(re.search(r"classes=(\d+)", one)[1]) for one in addresses(page)} == set(range(10))


def test_pages_of_a_stream_follow_each_other_without_gap(site):
    first = get(f"{site}/g/tiny/1?label=3&seed=5&n=4")
    second = get(site + links(first, "start=4")[0])
    back = get(site + next(link for link in links(second) if "start" not in link and "n=4" in link))
    whole = get(f"{site}/g/tiny/1?label=3&seed=5&n=8")
    assert addresses(first) + addresses(second) == addresses(whole)
    assert addresses(back) == addresses(first)


def test_a_stream_has_an_end(site):
    page = get(f"{site}/g/tiny/1?label=3&n=4&start={2**48 - 4}")
    assert page.status == 200
    assert not links(page, f"start={2**48}")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("seed=x", "seed is no number: x"),
        ("seed=-1", "seed is -1; it must be a whole number in [0, 18446744073709551615]"),
        ("n=0", "n is 0; it must be a whole number in [1, 200]"),
        ("n=201", "n is 201; it must be a whole number in [1, 200]"),
        (f"start={2**48}", f"start is {2**48}; it must be a whole number in [0, {2**48 - 100}]"),
        ("truncation=nan", "truncation is nan; it must be a number in (0, 2]"),
        ("truncation=3", "truncation is 3.0; it must be a number in (0, 2]"),
        ("keep=2", "keep and of go together"),
        ("keep=9&of=4", "keep is 9; it must be a whole number in [1, 4]"),
        ("first=10", "first is 10; it must be a whole number in [0, 9]"),
        ("label=12", "has no label '12'; its labels are 0, 1, 2"),
    ],
)
def test_what_cannot_be_read_of_an_address_is_said_and_the_rest_is_drawn(site, query, told):
    page = get(f"{site}/g/tiny/1?{query}")
    assert page.status == 400
    assert told in words(page)
    assert page.text.count("<figure") == 100


def test_keep_and_of_are_offered_where_samples_are_scored(site):
    assert 'name="keep"' in get(f"{site}/g/tiny/1").text
    page = get(f"{site}/g/people/1?keep=1&of=4")
    assert 'name="keep"' not in page.text
    assert "keep and of need a generator that scores its samples" in words(page)


def test_a_table_has_rows_and_how_its_columns_are_spread(site, service):
    page = get(f"{site}/g/people/1?label=%3E50K&n=30&seed=3")
    with augmint.Client(service.target) as client:
        frame = client.generate(">50K", 30, seed=3, generator="people").to_frame()
    told = words(page)
    assert page.text.count("<tr>") == 31
    assert all(name in told for name in frame.columns)
    assert f"{frame['age'].min()} to {frame['age'].max()}" in told
    assert f"{int(frame['job'].isna().sum())} missing" in told
    assert page.text.count('class="histogram"') == 6


def test_a_sound_has_a_player_whose_file_is_the_sample(site, service):
    page = get(f"{site}/g/tones/1?label=yes&n=2&seed=9")
    source = unescape(re.search(r'<audio[^>]*src="([^"]*)"', page.text)[1])
    with wave.open(io.BytesIO(get(site + source).content)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert file.getframerate() == 8000
    with augmint.Client(service.target) as client:
        assert np.array_equal(heard, client.generate("yes", 2, seed=9, generator="tones").array[0])
    assert page.text.count("data:image/svg+xml;base64,") == 2


def test_a_sample_has_a_page_of_its_own(site):
    page = get(f"{site}/g/tiny/2?label=7&seed=5&n=4")
    one = get(site + links(page, "/sample?")[1])
    assert one.status == 200
    assert addresses(one) == [addresses(page)[1]]
    assert addresses(page)[1] in words(one)
    assert addresses(get(site + links(one, "start%3D2")[0])) == [addresses(page)[2]]
    around = get(site + next(link for link in links(one, "/g/tiny/2?")))
    assert addresses(page)[1] in addresses(around)


@pytest.mark.parametrize("address", ["", "augmint:tiny", "x" * 5000, "augmint:tiny/1?seed=<script>"])
def test_what_is_no_address_is_said(site, address):
    page = get(f"{site}/sample?address={quote(address)}")
    assert page.status == 400
    assert "not an address" in words(page)


def test_an_address_of_a_file_that_is_gone_is_said(site):
    page = get(f"{site}/g/tiny/2?label=7&n=1")
    other = re.sub(r"digest=[0-9a-f]{64}", f"digest={'0' * 64}", addresses(page)[0])
    answer = get(f"{site}/sample?address={quote(other)}")
    assert (answer.status, "The service no longer has this file" in answer.text) == (410, True)


def test_versions_are_compared_at_the_same_addresses(site):
    page = get(f"{site}/g/tiny/1/compare?label=7&n=3&seed=4")
    versions = [re.match(r"augmint:tiny/(\d)", one)[1] for one in addresses(page) if one.startswith("augmint:")]
    assert versions == ["1"] * 3 + ["2"] * 3
    rest = [re.sub(r"^.*&seed", "", one) for one in addresses(page)]
    assert rest[:3] == rest[3:]


def test_truncations_are_compared_at_the_same_addresses(site):
    page = get(f"{site}/g/tiny/1/compare?label=7&n=2&to=1&to_truncation=0.5")
    assert [one.rpartition("=")[2] for one in addresses(page)] == ["1.0", "1.0", "0.5", "0.5"]


@pytest.mark.parametrize(
    ("query", "told"),
    [("to=9", "There is no version 9 of tiny; there are 1, 2."), ("to_truncation=x", "no number in (0, 2]")],
)
def test_a_side_that_cannot_be_is_said(site, query, told):
    page = get(f"{site}/g/tiny/1/compare?{query}")
    assert (page.status, told in words(page)) == (400, True)


def test_pages_are_kept_as_files(site, service):
    with augmint.Client(service.target) as client:
        samples = client.generate("7", 3, seed=4, generator="tiny", version=1)
        rows = client.generate(">50K", 3, seed=4, generator="people")
    query = "label=7&n=3&seed=4"
    npz = np.load(io.BytesIO(get(f"{site}/g/tiny/1/download/npz?{query}").content))
    assert np.array_equal(npz["array"], samples.array)
    assert npz["addresses"].tolist() == [str(samples.address)]
    sheet = get(f"{site}/g/tiny/1/download/png?{query}")
    assert Image.open(io.BytesIO(sheet.content)).format == "PNG"
    assert sheet.headers["content-disposition"] == "attachment; filename*=UTF-8''tiny-1-seed4.png"
    with zipfile.ZipFile(io.BytesIO(get(f"{site}/g/tiny/1/download/zip?{query}").content)) as file:
        pictures = [np.asarray(Image.open(io.BytesIO(file.read(name)))) for name in file.namelist()]
        assert file.namelist() == [f"7/{number:015d}.png" for number in range(3)]
    assert np.array_equal(pictures, samples.array[..., 0])
    text = get(f"{site}/g/people/1/download/csv?label=%3E50K&n=3&seed=4").text
    assert [line["income"] for line in csv.DictReader(io.StringIO(text))] == [">50K"] * 3
    assert [line["age"] for line in csv.DictReader(io.StringIO(text))] == [str(age) for age in rows.to_frame()["age"]]


def test_one_sample_is_kept_as_a_file(site):
    page = get(site + links(get(f"{site}/g/tiny/1?label=7&n=1"), "/sample?")[0])
    png = get(site + links(page, "/sample.png")[0])
    assert Image.open(io.BytesIO(png.content)).size == (8, 8)


@pytest.mark.parametrize("suffix", ["exe", "csv", "x" * 3000])
def test_a_file_that_its_kind_does_not_have_is_said(site, suffix):
    answer = get(f"{site}/g/tiny/1/download/{suffix}")
    assert (answer.status, "there are png, zip, npz" in words(answer)) == (400, True)


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/nothing", 404, "There is no such page"),
        ("/g/nobody/1", 404, "The service has no such generator"),
        ("/g/tiny/99", 404, "The service has no such generator"),
        ("/g/tiny/zero", 400, "version is 'zero'; it must be a whole number from 1"),
        ("/static/0/../../app.py", 404, "There is no such page"),
    ],
)
def test_what_is_not_there_is_said_in_a_page(site, path, status, told):
    answer = get(f"{site}{path}")
    assert (answer.status, told in words(answer)) == (status, True)
    assert "Traceback" not in answer.text


def test_descriptions_are_asked_for_once(site):
    fake = FakeService()
    with page_of(fake) as there:
        for _ in range(3):
            assert get(f"{there}/").status == 200
    assert fake.described == 1


def test_a_version_that_was_refused_is_listed_with_its_reason():
    with page_of(FakeService()) as site:
        page = get(f"{site}/")
    assert "not ONNX" in words(page)
    assert not links(page, "/g/worse")


def test_a_table_of_very_many_columns_is_shown_in_part():
    names = [f"column {number}" for number in range(300)]
    fake = tables.TableService(pb.TableSpec(columns=[pb.ColumnSpec(name=name) for name in names], label="y"))
    with page_of(fake) as site:
        page = get(f"{site}/g/fake/1?n=3")
        csv_file = get(f"{site}/g/fake/1/download/csv?n=3")
    assert "240 columns more; files have all of them." in words(page)
    assert ("column 59" in words(page), "column 60" in words(page)) == (True, False)
    assert page.text.count('scope="col"') == 62
    assert csv_file.text.splitlines()[0] == ",".join([*names, "y"])


def test_a_file_whose_examples_cannot_be_read_is_listed_without_a_look():
    spec = pb.TableSpec(columns=[pb.ColumnSpec(name="job", categories=["a", "b"])])

    class Broken(tables.TableService):
        def get_generator(self, request, timeout):
            answer = super().get_generator(request, timeout)
            answer.generator.golden.add(class_index=0, data=np.float32(7).tobytes())
            return answer

    with page_of(Broken(spec)) as site:
        assert (get(f"{site}/").status, "/g/fake/1" in get(f"{site}/").text) == (200, True)


def test_a_class_of_a_thousand_is_typed():
    fake = FakeService(labels=[f"class {number}" for number in range(1000)])
    with page_of(fake) as site:
        page = get(f"{site}/g/fake/1?label=class 777&n=2".replace(" ", "%20"))
        assert 'value="class 777"' in page.text
        assert "<option" not in page.text
        assert page.text.count("<figure") == 2


def test_many_classes_are_shown_a_page_at_a_time():
    fake = FakeService(labels=[f"class {number}" for number in range(45)])
    with page_of(fake) as site:
        page = get(f"{site}/g/fake/1?n=1")
        assert "classes 1 to 20 of 45" in words(page)
        last = get(site + links(get(site + links(page, "first=20")[0]), "first=40")[0])
        assert "classes 41 to 45 of 45" in words(last)
        assert last.text.count("<figure") == 5
