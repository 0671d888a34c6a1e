"""client/augmint/notebook.py"""

import base64
import io
import re
import sys

import numpy as np
import pytest
from PIL import Image

import augmint
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService


def draw(n=40, fake=None, **kind):
    fake = fake or FakeService(**kind)
    with augmint.Client(transport=fake) as client:
        return client.generate(classes=np.arange(n) % len(fake.labels), seed=7)


def picture(html):
    data = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    return Image.open(io.BytesIO(base64.b64decode(data[1])))


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_show_themselves_as_a_sheet(channels):
    html = draw(channels=channels)._repr_html_()
    assert f"40 samples uint8 4 x 5 x {channels} of <b>fake/1</b>, seed 7" in html
    assert picture(html).width > 10 * 56  # ten of each class


def test_large_samples_and_many_classes_stay_a_small_picture():
    fake = FakeService(labels=[f"class {number}" for number in range(30)], max_samples=64)
    fake.sample.shape[:] = [400, 300, 3]
    html = draw(60, fake)._repr_html_()
    assert "20 of 30 classes" in html
    assert picture(html).width < 1024 + 200
    assert picture(html).height < 20 * 150


def test_without_pillow_or_pictures_there_is_a_table_of_counts(monkeypatch):
    rows = "<tr><th>bag</th><td>10</td></tr>"
    assert rows in draw(kind="array")._repr_html_()
    samples = draw()
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    html = samples._repr_html_()
    assert rows in html
    assert "<img" not in html


def test_no_samples_have_no_picture():
    assert "<img" not in draw()[:0]._repr_html_()


def test_names_are_text_and_no_markup():
    fake = FakeService(labels=["<script>", "a&b"], kind="array")
    assert "<script>" not in draw(4, fake)._repr_html_()
    with augmint.Client(transport=fake) as client:
        assert "&lt;script&gt;, a&amp;b" in client.describe()._repr_html_()


def test_a_description_tells_what_is_asked_first():
    fake = FakeService()
    with augmint.Client(transport=fake) as client:
        assert "<th>quality</th><td>not measured</td>" in client.describe()._repr_html_()
    worst = pb.Measurement(name="distance of a column, worst", value=0.0214, real=0.01, detail="<age>")
    fake.quality = pb.QualityCard(verdict=pb.VERDICT_PASS_WITH_WARNINGS, measurements=[worst])
    with augmint.Client(transport=fake) as client:
        html = client.describe()._repr_html_()
    assert "<td>fake/1</td>" in html
    assert "<td>image, uint8 4 x 5 x 3</td>" in html
    assert "ankle boot, bag, coat, 3" in html
    assert "<td>pass with warnings</td>" in html
    assert "<th>distance of a column, worst</th><td>0.0214 (&lt;age&gt;), real 0.01</td>" in html
