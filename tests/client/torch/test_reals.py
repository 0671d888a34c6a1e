"""client/augmint/torch/reals.py, real.py, items.py and form.py: what mix makes of other people's data sets"""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import default_collate

import augmint
from tests.client.fakes import LABELS
from tests.client.torch.reals import TARGETS, Real


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        (lambda value: Image.new("RGB", (5, 4), (int(value * 100),) * 3), Image.Image),
        (lambda value: np.full((4, 5, 3), int(value * 100), np.uint8), np.ndarray),
        (lambda value: np.full((3, 4, 5), value, np.float64), np.ndarray),
        (lambda value: torch.full((3, 4, 5), int(value * 100), dtype=torch.uint8), torch.Tensor),
        (lambda value: torch.full((4, 5, 3), value), torch.Tensor),
    ],
)
def test_synthetic_samples_take_the_form_of_the_real_ones(mixed, fake, form, kind):
    real = Real(form=form)
    example = real[0][0]
    drawn = [sample for sample, _, synthetic in mixed(real, flag=True, top_up={"3": 8}) if synthetic]
    assert {type(sample) for sample in drawn} == {type(example)}
    assert all(isinstance(sample, kind) for sample in drawn)
    as_arrays = [np.asarray(sample) for sample in drawn]
    assert {(array.shape, array.dtype) for array in as_arrays} == {
        (np.asarray(example).shape, np.asarray(example).dtype)
    }
    want = fake.expected(7, np.arange(8), np.full(8, 3))
    if as_arrays[0].shape[0] == 3:
        want = want.transpose(0, 3, 1, 2)
    want = want / 255 if as_arrays[0].dtype.kind == "f" else want
    order = [int(np.abs(want - array).sum(axis=(1, 2, 3)).argmin()) for array in as_arrays]
    assert sorted(order) == list(range(8))
    assert np.allclose(np.stack(as_arrays), want[order], atol=1e-6)


@pytest.mark.parametrize(
    ("form", "named"),
    [
        (lambda value: torch.full((3, 4, 6), value), r"float32 \[3, 4, 6\], the generator's uint8 \[4, 5, 3\]"),
        (lambda value: torch.full((3, 4, 5), value, dtype=torch.int32), "real samples are int32"),
        (lambda value: torch.full((3, 4, 5), value * 2 - 1), r"values in \[-1, -1\].* normalised"),
        (
            lambda value: Image.new("L", (5, 4)),
            r"L image of 5 x 4, the generator's are RGB of 5 x 4: .*convert\(\"RGB\"\).resize\(\(5, 4\)\)",
        ),
        (lambda value: "text", "real samples are str"),
    ],
)
def test_real_samples_of_another_form_are_refused(mixed, form, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        mixed(Real(form=form))


def test_names_of_real_classes_decide_which_class_is_which(mixed):
    data = mixed(Real(classes=["coat", "3", "bag"]), flag=True)
    assert {portion.label: portion.real for portion in data.portions} == {"coat": 40, "3": 10, "bag": 4}
    drawn = {label for _, label, synthetic in data if synthetic}
    assert drawn == {1, 2}  # in the numbers of the real data set
    renamed = mixed(names=["3", "bag", "coat"])
    assert [portion.label for portion in renamed.portions] == ["3", "bag", "coat"]


def test_labels_may_be_names(mixed):
    names = [LABELS[number] for number in TARGETS]
    data = mixed(Real(names), labels=names)
    counts = {label: [label for _, label in data].count(label) for label in LABELS}
    assert counts == dict.fromkeys(LABELS, 40)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"labels": TARGETS[:-1]}, "labels has 53 entries, the real data set 54 samples"),
        ({"labels": [0.5] * 54}, r"labels\[0\] has the label 0.5; a class number is whole"),
        ({"labels": [4] * 54}, "real sample 0 has the label 0, but 4 in labels"),
        ({"labels": ["bag"] * 54}, "real sample 0 has the label 0, but 'bag' in labels"),
        (
            {"labels": None, "real": Real([4] * 54)},
            r"labels are in \[4, 4\] \(4 at sample 0\), but there are 4 classes",
        ),
        ({"labels": None, "real": Real(["hat"] * 54)}, "none of the real classes hat"),
        ({"real": {"train": Real()}}, r"a dict of data sets \(train\): give one of them"),
        ({"real": iter(())}, "mix needs a map-style data set"),
        ({"names": ["hat", "cap", "tie"]}, "none of the real classes hat, cap, tie"),
        ({"names": ["bag", "bag", "coat"]}, "must all differ"),
        ({"real": Real(classes=["hat", "cap", "tie"])}, "the real classes are hat, cap, tie"),
        ({"real": []}, "real data set is empty"),
        ({"real": [1.0] * 54}, r"real sample 0 is a float, where \(sample, label\) is needed"),
        ({"ratio": 2}, "ratio is 2"),
    ],
)
def test_a_wrong_mixture_is_refused_when_it_is_made(mixed, options, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        mixed(**options)


def test_a_label_that_is_another_than_the_one_counted_is_never_delivered(mixed):
    class Noisy(Real):
        def __getitem__(self, index):
            sample, label = super().__getitem__(index)
            return sample, 1 if index == 29 else label

    data = mixed(Noisy(targets=TARGETS), labels=None)  # 29 is not among those looked at
    with pytest.raises(augmint.InvalidRequest, match="real sample 29 has the label 1, but 0 in targets"):
        list(data)


@pytest.mark.parametrize(
    "label",
    [
        int,
        float,
        np.int64,
        np.float32,
        torch.tensor,
        lambda number: torch.tensor(number, dtype=torch.int32),
        lambda number: torch.tensor(float(number), dtype=torch.bfloat16),
        lambda number: np.array([number]),  # as MedMNIST's
        lambda number: torch.eye(4)[number],
        lambda number: np.eye(4, dtype=np.int64)[number],
        lambda number: LABELS[number],
        lambda number: LABELS[number].encode(),
    ],
)
def test_labels_of_synthetic_samples_have_the_form_of_the_real_ones(mixed, label):
    data = mixed(Real([label(number) for number in TARGETS]), labels=None, flag=True)
    items = list(data)
    seen = {(type(one), getattr(one, "dtype", None), getattr(one, "shape", None)) for _, one, _ in items}
    assert len(seen) == 1
    for name, count in (("ankle boot", 40), ("3", 40)):
        want = label(LABELS.index(name))
        same = [one == want for _, one, _ in items]
        assert sum(bool(torch.as_tensor(each).all()) for each in same) == count
    default_collate([(one, synthetic) for _, one, synthetic in items])
    assert [portion.total for portion in data.portions] == [40] * 4


def test_labels_that_are_true_or_false_stand_for_two_classes(mixed):
    real = Real([number > 0 for number in TARGETS])
    with pytest.raises(augmint.InvalidRequest, match="real labels are bool, which cannot stand for class 2"):
        mixed(real, labels=None)
    labels = [label for _, label in mixed(real, labels=None, names=["bag", "coat"])]
    assert (labels.count(True), labels.count(False), {type(label) for label in labels}) == (40, 40, {bool})


@pytest.mark.parametrize(
    ("label", "named"),
    [
        (None, "real sample 5 has no label .None."),
        (0.5, "real sample 5 has the label 0.5; a class number is whole"),
        (float("nan"), "real sample 5 has the label nan"),
        (-1, "real sample 5 has the label -1: if that marks what has no label"),
        ([0, 1], "real sample 5 has a label of type list"),
        (torch.tensor([0.0, 0.1, 0.9, 0.0]), "shares of several .soft labels."),
        (torch.tensor([0, 1, 1, 0]), "2 ones among 4 values"),
        (np.zeros((2, 2)), r"a label of shape \[2, 2\]"),
        (b"\xff", "no name in UTF-8"),
        ("bag", "both numbers and names: 0 at 0, 'bag' at 5"),
    ],
)
def test_a_label_that_is_no_class_is_refused_with_its_place(mixed, label, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        mixed(Real([*TARGETS[:5], label, *TARGETS[6:]]), labels=None)


def test_dicts_are_given_as_the_real_ones_are(mixed):
    class Dicts(Real):
        def __getitem__(self, index):
            sample, label = super().__getitem__(index)
            return {"labels": label, "pixel_values": sample}

    items = list(mixed(Dicts(), labels=None))
    assert {tuple(item) for item in items} == {("labels", "pixel_values")}
    batch = default_collate(items)
    assert tuple(batch["pixel_values"].shape) == (160, 3, 4, 5)
    assert torch.bincount(batch["labels"]).tolist() == [40] * 4
    assert sum(item["synthetic"] for item in mixed(Dicts(), labels=None, flag=True)) == 106


@pytest.mark.parametrize(
    ("item", "named"),
    [
        ({"image": 0, "label": 0, "path": ""}, "a dict of 'image', 'label', 'path'; mix needs two entries"),
        ({"image": 0, "caption": ""}, "a dict of 'image', 'caption'; mix needs two entries"),
        ((0, 0, 0), "a tuple of 3, where"),
        (torch.zeros(3), "a Tensor, where"),
    ],
)
def test_items_that_mix_could_not_make_are_refused(mixed, item, named):
    with pytest.raises(augmint.InvalidRequest, match=f"real sample 0 is {named}"):
        mixed([item] * 54, labels=None)


@pytest.mark.parametrize(
    ("form", "named"),
    [
        (lambda value: torch.full((3, 4, 5), value, dtype=torch.bfloat16), "torch.bfloat16, which mix cannot make"),
        (
            lambda value: torch.full((3, 4, 5), value + 80),
            r"values in \[80, 80\].* bytes as floats: divide them by 255",
        ),
        (lambda value: torch.full((3, 4, 5), value, device="meta"), "real samples are on meta"),
        (
            lambda value: torch.zeros((3, 4, 5) if value < 0.3 else (3, 5, 4)),
            r"real sample \d+ is .*\[3, 5, 4\], the first",
        ),
    ],
)
def test_what_would_not_go_into_one_batch_is_refused(mixed, form, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        mixed(Real(form=form))
