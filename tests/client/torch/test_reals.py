"""client/augmint/torch/reals.py, real.py, items.py and form.py: what mix makes of other people's data sets"""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Subset, TensorDataset, default_collate, random_split

import augmint
from tests.client.fakes import LABELS, FakeService
from tests.client.torch.reals import TARGETS, Real, mixture


@pytest.fixture
def fake():
    return FakeService(max_samples=512, preferred=256)


@pytest.fixture
def mixed(client):
    """Makes mixtures of a Real with the fake."""
    return partial(mixture, client)


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


@pytest.mark.parametrize(
    "real",
    [
        Real(targets=TARGETS),
        Subset(Real([3, *TARGETS], targets=[3, *TARGETS]), range(1, 55)),
        ConcatDataset([Real(TARGETS[:9], targets=TARGETS[:9]), Real(TARGETS[9:], labels=np.array(TARGETS[9:]))]),
        TensorDataset(torch.zeros(54, 3, 4, 5), torch.tensor(TARGETS)),
        Real(),
    ],
    ids=["targets", "subset", "concat", "tensors", "one pass"],
)
def test_labels_are_found_wherever_they_are(mixed, capsys, real):
    data = mixed(real, labels=None)
    assert [portion.real for portion in data.portions] == [40, 10, 4, 0]
    told = "reads all 54 real samples once" in capsys.readouterr().err
    assert told == (isinstance(real, Real) and not hasattr(real, "targets"))


def test_cheap_labels_load_no_sample(mixed):
    real = Real(targets=TARGETS)
    mixed(real, labels=None)
    assert real.loaded <= 16 + 3  # from all over for the form, and the first of each class


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


def is_footwear(label):
    return int(label == 0)


def test_a_target_transform_is_refused_by_name_and_right_when_it_is_handed_over(mixed, capsys):
    class Shoes(Real):
        def __getitem__(self, index):
            sample, label = super().__getitem__(index)
            return sample, is_footwear(label)

    real = Shoes(targets=TARGETS, classes=LABELS, target_transform=is_footwear)
    for wrapped in (real, Subset(real, range(54)), ConcatDataset([real])):
        with pytest.raises(augmint.InvalidRequest, match=r"target_transform gives others .* hand it to mix"):
            mixed(wrapped, labels=None)
    with pytest.raises(augmint.InvalidRequest, match=r"its __getitem__ gives others \(real sample 0 has the label 1"):
        mixed(Shoes(targets=TARGETS, classes=LABELS), labels=None)
    assert "reads all" not in capsys.readouterr().err  # refused before a pass
    data = mixed(Real(targets=TARGETS, classes=LABELS), labels=None, target_transform=is_footwear, flag=True)
    labels = {(kind, bool(synthetic)) for (_, kind, synthetic) in data}
    assert labels == {(0, False), (1, False), (0, True)}
    named = mixed(real, labels=None, names={0: "coat", 1: "ankle boot"})
    assert [(portion.label, portion.real) for portion in named.portions] == [("coat", 14), ("ankle boot", 40)]
    assert named.class_to_idx == {"coat": 0, "ankle boot": 1}


def test_a_target_transform_that_changes_only_the_type_is_no_matter(mixed):
    class AsTensor(Real):
        def __getitem__(self, index):
            sample, label = super().__getitem__(index)
            return sample, torch.tensor(label)

    data = mixed(AsTensor(targets=TARGETS, classes=LABELS, target_transform=torch.tensor), labels=None)
    assert [portion.real for portion in data.portions] == [40, 10, 4, 0]
    assert default_collate(list(data))[1].dtype == torch.int64


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


def test_hugging_face_data_sets_tell_labels_and_names_themselves(mixed, capsys):
    datasets = pytest.importorskip("datasets")
    names = ["coat", "bag", "ankle boot"]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=names)})
    images = [Image.new("RGB", (5, 4), (number,) * 3) for number in range(54)]
    real = datasets.Dataset.from_dict({"image": images, "label": TARGETS}, features=features)

    def renamed(batch):
        pixels = [torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in batch["image"]]
        return {"pixel_values": pixels, "labels": batch["label"]}

    for formed in (real, real.with_format("torch"), real.with_format("numpy"), real.with_transform(renamed)):
        data = mixed(formed, labels=None)
        assert {portion.label: portion.real for portion in data.portions} == {"coat": 40, "bag": 10, "ankle boot": 4}
        assert {tuple(item) for item in data} == {tuple(formed[0])}
        assert len({type(item[key]) for item in data for key in item if key.startswith("label")}) == 1
    assert "reads all" not in capsys.readouterr().err


class Column(Real):
    """As MedMNIST's: labels [n, 1], items with labels [1]."""

    labels = np.array(TARGETS)[:, None]

    def __getitem__(self, index):
        return super().__getitem__(index)[0], self.labels[index].astype(np.uint8)


class Doubled(Subset):
    """A part of a data set that numbers its classes anew."""

    def __getitem__(self, index):
        sample, label = super().__getitem__(index)
        return sample, label // 2

    def __getitems__(self, indices):
        return [self[index] for index in indices]


@pytest.mark.parametrize(
    ("real", "passes"),
    [
        (Column(), False),
        (Real(targets=torch.tensor([[label, 5, 7, 0] for label in TARGETS])), True),  # QMNIST: more than the label
        (Real(targets=[LABELS[label] for label in TARGETS]), True),  # names beside numbers
        (Real(labels=lambda: None, targets=None), True),
        (Real(targets=dict(enumerate(TARGETS)), labels=[[0, 0, 4, 5]] * 54), True),  # by name, and boxes
        (TensorDataset(torch.zeros(54, 3, 4, 5), torch.eye(4)[TARGETS]), False),
        (
            Subset(
                Subset(Real([3, *TARGETS[::-1]], targets=[3, *TARGETS[::-1]]), range(1, 55)), list(range(53, -1, -1))
            ),
            False,
        ),
        (random_split(Real(targets=TARGETS), [54], torch.Generator().manual_seed(0))[0], False),
        ([(torch.zeros(3, 4, 5), label) for label in TARGETS], True),
    ],
)
def test_labels_are_those_of_the_items(mixed, capsys, real, passes):
    data = mixed(real, labels=None)
    assert [portion.real for portion in data.portions] == [40, 10, 4, 0]
    assert ("reads all" in capsys.readouterr().err) == passes
    labels = [label if isinstance(label, int) else np.asarray(label) for _, label in data]
    places = [int(np.argmax(label)) if np.size(label) > 1 else int(np.squeeze(label)) for label in labels]
    assert np.bincount(places).tolist() == [40] * 4
    default_collate(list(data))


def test_a_transform_of_one_part_is_found(mixed):
    class Turned(Real):
        def __getitem__(self, index):
            sample, label = super().__getitem__(index)
            return sample, 3 - label

    whole = Real(targets=TARGETS, classes=LABELS)
    turned = Turned([2, 2], targets=[2, 2], classes=LABELS, target_transform=lambda label: 3 - label)
    with pytest.raises(augmint.InvalidRequest, match="real sample 54 has the label 1, but 2 in targets"):
        mixed(ConcatDataset([whole, turned]), labels=None)
    with pytest.raises(augmint.InvalidRequest, match="its __getitem__ gives others"):
        mixed(Doubled(whole, range(54)), labels=None)
    with pytest.raises(augmint.InvalidRequest, match="cannot be told"):
        mixed(Doubled(whole, range(54)), labels=[label // 2 for label in TARGETS])
    named = mixed(Doubled(whole, range(54)), labels=None, names=["bag", "coat"])
    assert [portion.real for portion in named.portions] == [50, 4]


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
