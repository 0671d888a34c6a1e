"""client/augmint/torch/real.py: where the labels and names of a real data set are found"""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, Subset, TensorDataset, default_collate, random_split

import augmint
from tests.client.fakes import LABELS
from tests.client.torch.reals import TARGETS, Real


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
