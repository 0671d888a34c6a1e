"""client/augmint/torch/classes.py"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import ConcatDataset, Dataset, Subset

import augmint
from augmint.torch.classes import classes_of, match, told_names
from augmint.torch.real import Items, names_of
from tests.client.fakes import FakeService


def description(*labels):
    with augmint.Client(transport=FakeService(labels=labels)) as client:
        return client.describe()


def indices(labels, generator, names=None, told=None, count=None):
    """Label to the generator's class index."""
    told = told if told is None else told_names(told, None)
    found = classes_of(np.array(labels), description(*generator), names, told, count)
    return dict(zip(found.keys, found.indices.tolist(), strict=True))


class Named(Dataset):
    def __init__(self, classes, class_to_idx=None):
        self.classes, self.targets = classes, [0]
        if class_to_idx is not None:
            self.class_to_idx = class_to_idx

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return 0, 0


def test_names_decide_in_whatever_order_both_sides_number_them():
    assert indices([0, 1], ("dog", "cat"), told=["cat", "dog"]) == {0: 1, 1: 0}
    assert indices(["cat", "dog"], ("dog", "cat")) == {"cat": 1, "dog": 0}
    assert indices([0, 1], ("dog", "cat"), names=["cat", "dog"]) == {0: 1, 1: 0}


def test_names_that_differ_in_case_and_separators_only_are_the_same():
    told = ["T-shirt/top", "Ankle boot", "Bag"]
    assert indices([0, 1, 2], ("bag", "ankle_boot", "t_shirt_top"), told=told) == {0: 2, 1: 1, 2: 0}
    assert match([("Hot  Dog",)], ["hot-dog", "cat"]) == [0]


@pytest.mark.parametrize(
    ("real", "known", "found"),
    [
        (["A", "a"], ["A", "B"], [0, -1]),  # EMNIST has both
        (["a"], ["A", "a_", "a"], [2]),
        (["a b"], ["a_b", "A B"], [-1]),
        (["-1", "2"], ["1", "2"], [-1, 1]),
        (["c++", "c#"], ["c", "d"], [-1, -1]),
        (["34"], ["3-4"], [-1]),
    ],
)
def test_names_that_could_be_several_are_none(real, known, found):
    assert match([(name,) for name in real], known) == found


@given(
    st.lists(st.text("aA-_ 1", min_size=1, max_size=3), unique=True, max_size=6),
    st.lists(st.text("aA-_ 1", min_size=1, max_size=3), unique=True, max_size=6),
)
def test_equal_names_always_meet_and_no_class_is_two(real, known):
    found = match([(name,) for name in real], known)
    taken = [index for index in found if index >= 0]
    assert len(set(taken)) == len(taken)
    for name, index in zip(real, found, strict=True):
        assert name not in known or known[index] == name


def test_synonyms_and_numbered_names_are_known():
    told = [("tench", "Tinca tinca"), ("goldfish", "Carassius auratus")]  # torchvision's ImageNet
    assert indices([0, 1], ("goldfish", "tench"), told=told) == {0: 1, 1: 0}
    digits = ["0 - zero", "1 - one", "2 - two"]  # torchvision's MNIST
    assert indices([0, 2], ("2", "0", "1"), told=digits) == {0: 1, 1: 2, 2: 0}
    assert indices([0, 2], ("two", "one", "zero"), told=digits) == {0: 2, 1: 1, 2: 0}


def test_where_one_side_has_only_numbers_they_are_what_both_share():
    assert indices([0, 1], ("0", "1"), told=["chat", "chien"]) == {0: 0, 1: 1}
    assert indices([0, 1], ("cat", "dog"), told=["0", "1"]) == {0: 0, 1: 1}
    with pytest.raises(augmint.InvalidRequest, match="the real classes are chat, chien"):
        indices([0, 1], ("dog", "cat"), told=["chat", "chien"])
    with pytest.raises(augmint.InvalidRequest, match="give names="):
        indices([0, 1], ("0", "1", "2"), told=["chat", "chien"])


def test_a_mapping_names_any_labels():
    assert indices([1, 10], ("1", "10"), names={1: "1", 10: "10"}) == {1: 0, 10: 1}
    assert indices([-1, 1], ("no", "yes"), names={-1: "no", 1: "yes"}) == {-1: 0, 1: 1}
    assert indices(["n", "y"], ("yes", "no"), names={"n": "no", "y": "yes"}) == {"n": 1, "y": 0}
    assert indices([0, 1], ("no", "yes"), names={0: "no", 1: "hat"}) == {0: 0, 1: -1}


@pytest.mark.parametrize(
    ("labels", "generator", "options", "named"),
    [
        ([1, 2, 3], ("a", "b", "c"), {}, r"\[1, 3\] .* 3 classes .*do they count from 1\?"),
        ([1, 2], ("a", "b", "c"), {}, "real labels are 1, 2, without names and without a 0"),
        ([1, 2], ("1", "10", "2"), {}, "named by numbers that are not their indices"),
        ([0, 1, -1], ("a", "b"), {}, "real sample 2 has the label -1: .* no label.*Subset"),
        ([0, 5], ("a", "b"), {"told": ["a", "b"]}, r"\[0, 5\] \(5 at sample 1\), but there are 2 classes \(a, b\)"),
        ([0, 1], ("a", "b"), {"names": {None: "a"}}, "names has no label"),
        ([0, 1], ("a", "b"), {"names": {0.5: "a"}}, "names has the label 0.5"),
        ([0, 1], ("a", "b"), {"names": {0: "a"}}, "names has no entry for the real labels 1"),
        ([0, 1], ("a", "b"), {"names": {"0": "a", "1": "b"}}, "names has no entry for the real labels 0, 1"),
        (["x"], ("a", "b"), {"names": ["a"]}, "names is a mapping from the real label"),
        ([0, 1], ("a", "b"), {"names": "ab"}, "names is a mapping from the real label"),
        ([0, 1], ("a", "b"), {"names": ["A", "a"]}, None),
        ([0, 1], ("a b", "c"), {"names": ["x", "y"]}, "none of the real classes x, y"),
        ([0, 1], ("a", "b"), {"count": 3}, "one-hot of length 3, but there are 2 classes of the generator"),
        ([0, 1], ("a", "b"), {"count": 3, "told": ["a", "b"]}, "one-hot of length 3, but there are 2 real classes"),
        ([0, 1], ("a", "b"), {"count": 3, "names": ["a", "b"]}, "one-hot of length 3, names has 2"),
        ([0, 1], ("a", "b"), {"told": [("a", "x"), ("b", "a")]}, None),
        ([0, 1], ("a", "b"), {"told": [("x", "a"), ("y", "a")]}, "x, y would all be 'a'"),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_to_do(labels, generator, options, named):
    if named is None:
        assert indices(labels, generator, **options) in ({0: -1, 1: 0}, {0: 0, 1: 1})
        return
    with pytest.raises(augmint.InvalidRequest, match=named):
        indices(labels, generator, **options)


def test_numbers_without_names_that_do_not_fill_the_generators_classes_are_said():
    with pytest.warns(UserWarning, match="real labels have no names .* indices, 0 = a, 1 = b, of 3 classes"):
        assert indices([0, 1], ("a", "b", "c")) == {0: 0, 1: 1, 2: 2}


def test_numbers_without_names_are_said_to_be_taken_for_the_generators_unless_those_are_numbers_too():
    def assumed(*generator):
        return classes_of(np.array([0, 1]), description(*generator), None, None, None).assumed

    assert assumed("dog", "cat") == (
        "real labels have no names and are taken for the generator's class indices, 0 = dog, 1 = cat"
    )
    assert assumed("0", "1") == ""


def test_names_are_found_through_what_wraps_a_data_set():
    class Wrapper(Dataset):
        def __init__(self, dataset):
            self.dataset = dataset

        def __len__(self):
            return 1

        def __getitem__(self, index):
            return self.dataset[index]

    inner = Named(["cat", "dog"])
    for real in (inner, Subset(Subset(inner, [0]), [0]), ConcatDataset([inner, Named(["cat", "dog"])]), Wrapper(inner)):
        assert names_of(Items(real)) == [("cat",), ("dog",)]
    with pytest.raises(augmint.InvalidRequest, match="part 0 has 0 = cat, 1 = dog, part 1 has 0 = dog, 1 = cat"):
        names_of(Items(ConcatDataset([inner, Named(["dog", "cat"])])))


def test_what_is_not_quite_certain_is_said():
    def assumed(labels, generator, told):
        return classes_of(np.array(labels), description(*generator), None, told_names(told, None), None).assumed

    assert assumed([0, 1], ("big_bird", "cat"), ["cat", "Big Bird"]) == (
        "real classes are taken for those of the generator that are spelt alike, Big Bird = big_bird"
    )
    assert assumed(["Big Bird"], ("big_bird", "cat"), None).endswith("Big Bird = big_bird")
    assert assumed([0, 1], ("0", "1"), ["chat", "chien"]) == (
        "the generator has only numbers, which are taken for those of the real classes, chat, chien"
    )
    assert assumed([0, 1], ("cat", "dog"), ["dog", "cat"]) == ""


@pytest.mark.parametrize(
    "classes", [["cat", "dog"], ("cat", "dog"), np.array(["cat", "dog"]), {1: "dog", 0: "cat"}, [("cat",), ("dog",)]]
)
def test_names_may_stand_in_a_list_an_array_or_a_mapping(classes):
    assert told_names(classes, None) == [("cat",), ("dog",)]


@pytest.mark.parametrize("classes", [None, [], {}, "cat", 2, {"cat": 0}, {1: "cat"}, {"cat", "dog"}, len])
def test_what_does_not_name_numbers_names_nothing(classes):
    assert told_names(classes, None) is None


def test_a_name_that_two_real_classes_have_gets_its_number():
    told = [("crane",), ("tench",), ("crane",)]  # ImageNet has two
    found = classes_of(np.array([0, 1, 2]), description("tench", "cat"), None, told, None)
    assert (found.names, found.indices.tolist()) == (["crane (0)", "tench", "crane (2)"], [-1, 0, -1])
    with pytest.raises(augmint.InvalidRequest, match="the real classes crane, crane would all be 'crane'"):
        classes_of(np.array([0, 1, 2]), description("tench", "crane"), None, told, None)


def test_medmnist_tells_its_names_elsewhere():
    real = Named(None)
    real.info = {"task": "multi-class", "label": {"0": "adipose", "1": "background"}}
    assert names_of(Items(real)) == [("adipose",), ("background",)]


def test_class_to_idx_numbers_classes_and_must_not_contradict_them():
    assert names_of(Items(Named(None, {"dog": 1, "cat": 0}))) == [("cat",), ("dog",)]
    assert names_of(Items(Named(["cat", "dog"], {"cat": 0, "dog": 1}))) == [("cat",), ("dog",)]
    with pytest.raises(augmint.InvalidRequest, match=r"real.classes has 'cat' at 0, real.class_to_idx says 1"):
        names_of(Items(Named(["cat", "dog"], {"cat": 1, "dog": 0})))
