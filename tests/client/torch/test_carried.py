"""Rare samples that are frequent ones, carried: mix(by="transform") and augmint.torch.Transform."""

import pickle

import numpy as np
import pytest
import torch

import augmint
from augmint.torch import Transform
from augmint.v1 import generator_pb2 as pb
from tests.client.torch.reals import TARGETS, Real, content

LEVELS = np.arange(54) * 4


def real(own=TARGETS, **attributes):
    """Bytes: sample p is 4 p everywhere, so that every sample tells where it came from."""
    return Real(own, form=lambda value: torch.full((3, 4, 5), round(value * 400) / 255), targets=own, **attributes)


@pytest.fixture
def carried(mixed):
    return lambda given=None, **options: mixed(real() if given is None else given, **{"by": "transform", **options})


def made(data):
    """[(position of the real sample, class that it was carried into)] of the synthetic samples, as the fake moves."""
    found = []
    for sample, label, synthetic in data:
        if synthetic:
            level = round(float(sample[0, 0, 0]) * 255)
            assert (sample * 255).round().unique().tolist() == [level]
            found.append(next((p, label) for p in range(54) if LEVELS[p] + label - TARGETS[p] == level))
    return found


def test_rare_classes_are_filled_with_samples_of_those_that_have_more(carried, fake):
    data = carried(flag=True)
    items = list(data)
    assert np.bincount([label for _, label, _ in items]).tolist() == [40] * 4
    kept = [round(float(sample[0, 0, 0]) * 255) // 4 for sample, _, synthetic in items if not synthetic]
    assert sorted(kept) == list(range(54))
    pairs = made(items)
    for position, label in pairs:
        assert TARGETS.count(TARGETS[position]) > TARGETS.count(label)
    bags = [position for position, label in pairs if label == 1]
    assert len(bags) == len(set(bags)) == 30
    assert all(TARGETS[position] == 0 for position in bags)
    assert not fake.requests  # none is drawn
    assert all(request.source_class_indices for request in fake.carried)
    assert "carried from other classes" in str(data)


def test_every_epoch_takes_others_until_all_were_taken(carried):
    data = carried(flag=True, top_up={"bag": 20})
    epochs = []
    for number in range(5):
        data.set_epoch(number)
        epochs.append([position for position, _ in made(data)])
    assert all(len(one) == 10 for one in epochs)
    assert sorted(position for one in epochs[:4] for position in one) == list(range(40))
    assert set(epochs[4]) == set(epochs[0])


def test_it_is_a_function_of_seed_and_epoch_whoever_reads(carried):
    first = content(carried())
    assert content(carried()) == first
    assert content(carried(seed=8)) != first
    loaded = [
        (np.asarray(sample).tobytes(), int(label))
        for images, labels in carried().loader(16, num_workers=0)
        for sample, label in zip(images, labels, strict=True)
    ]
    assert loaded == first


def test_ranks_share_the_same_batches(carried):
    """What worker processes give: workers.py."""
    shares = [list(carried().loader(8, rank=rank, world_size=2)) for rank in range(2)]
    for step, (images, _) in enumerate(carried().loader(16)):
        assert torch.equal(torch.cat([share[step][0] for share in shares]), images)


def test_a_pass_goes_on_where_its_state_was_taken(carried):
    data = carried()
    loader, seen = data.loader(16), []
    state = None
    for number, (images, _) in enumerate(loader):
        seen.append(images)
        if number == 3:
            state = data.state_dict()
    other = carried()
    other.load_state_dict(state)
    rest = [images for images, _ in other.loader(16)]
    assert all(torch.equal(one, more) for one, more in zip(seen[4:], rest, strict=True))
    with pytest.raises(augmint.InvalidRequest, match="portions"):
        carried(by="generate").load_state_dict(state)


def test_what_a_generator_learned_from_does_not_matter_but_a_withheld_class_does(carried, fake):
    fake.learned = [40, 10, 4, 0]
    assert [portion.synthetic for portion in carried().portions] == [0, 30, 36, 40]
    fake.quality = pb.QualityCard(classes=[pb.ClassQuality(label="coat", verdict=pb.VERDICT_WITHHELD)])
    with pytest.warns(UserWarning, match=r"no synthetic samples of coat \(withheld"):
        assert [portion.synthetic for portion in carried().portions] == [0, 30, 0, 40]


def test_a_study_chooses_class_by_class(mixed, fake):
    helped = pb.Recommendation(synthetic_per_real=2, truncation=1)
    moved = pb.Recommendation(synthetic_per_real=3, truncation=1, transformed=True)
    fake.quality = pb.QualityCard(
        classes=[
            pb.ClassQuality(label="bag", recommendation=helped),
            pb.ClassQuality(label="coat", recommendation=moved),
        ]
    )
    data = mixed(real(), per_real={"bag": 2.0, "coat": 3.0}, by="recommended", flag=True)
    assert [portion.note for portion in data.portions] == ["", "", "carried from other classes", ""]
    list(data)
    assert sum(len(request.data) // 60 for request in fake.carried) == 12
    assert sum(request.n for request in fake.requests) == 20
    # No file makes anybody send real samples who has not said so.
    fake.carried.clear()
    plain = mixed(real(), per_real={"coat": 3.0})
    list(plain)
    assert not fake.carried
    assert [portion.synthetic for portion in plain.portions] == [0, 0, 12, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "magic"}, 'by is \'magic\'; it must be "generate", "transform" or "recommended"'),
        ({"truncation": 0.7}, "truncation, keep and of are for samples that are drawn"),
        ({"keep": 1, "of": 2}, "truncation, keep and of are for samples that are drawn"),
    ],
)
def test_what_cannot_go_together_is_refused(carried, options, message):
    with pytest.raises(augmint.InvalidRequest, match=message):
        carried(**options)


def test_a_generator_without_an_encoder_is_refused(carried, fake):
    fake.transforms = False
    with pytest.raises(
        augmint.InvalidRequest, match="by=\"transform\" needs an encoder, which generator 'fake' has not"
    ):
        carried()


def test_a_single_class_has_nothing_to_be_carried(carried):
    with pytest.warns(UserWarning, match="no synthetic samples of bag .there are no real ones of other classes"):
        data = carried(real([1] * 5), names={1: "bag"}, labels=[1] * 5, top_up=8)
    assert [portion.repeated for portion in data.portions] == [3]


def test_real_samples_that_are_no_levels_of_light_are_refused_when_they_come(carried):
    normal = Real(
        form=lambda value: torch.full((3, 4, 5), 0.5 if value < 0.2 or value > 0.5 else value), targets=TARGETS
    )
    data = carried(normal)
    normal._form = lambda value: torch.full((3, 4, 5), -1.0)
    with pytest.raises(
        augmint.InvalidRequest, match=r"values in \[-1, -1\], and only those in \[0, 1\] can be carried"
    ):
        list(data)


# -- a callable for batches ------------------------------------------------------------------------------------


BYTES = np.random.default_rng(5).integers(0, 200, (6, 4, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("form", [torch.uint8, torch.float32, np.uint8, np.float32])
def test_a_batch_comes_back_as_it_went_in(client, fake, layout, form):
    wanted = fake.moved(BYTES, np.arange(6) % 4, None, 1.0)[0]

    def shaped(array):
        moved = array.transpose(0, 3, 1, 2) if layout == "nchw" else array
        if form in (torch.float32, np.float32):
            moved = moved.astype(np.float32) / np.float32(255)
        return torch.from_numpy(moved.copy()) if isinstance(form, torch.dtype) else moved.copy()

    labels = np.arange(6) % 4
    with Transform(client) as carry:
        got = carry(shaped(BYTES), torch.from_numpy(labels) if isinstance(form, torch.dtype) else labels)
    assert type(got) is type(shaped(BYTES))
    assert got.dtype == shaped(BYTES).dtype
    assert np.array_equal(np.asarray(got), np.asarray(shaped(wanted)))


def test_one_label_for_all_names_sources_and_strength(client, fake):
    carry = Transform(client, label="3", strength=0.5)
    batch = torch.from_numpy(BYTES.transpose(0, 3, 1, 2).copy())
    got = carry(batch, source=["bag"] * 6).numpy().transpose(0, 2, 3, 1)
    assert np.array_equal(got, fake.moved(BYTES, [3] * 6, np.ones(6, np.int64), 0.5)[0])
    assert repr(carry) == "Transform(fake/1, strength 0.5)"


def test_it_may_be_pickled(target):
    batch = torch.from_numpy(BYTES.transpose(0, 3, 1, 2).copy())
    with Transform(target, label="3") as carry, pickle.loads(pickle.dumps(carry)) as other:
        assert torch.equal(other(batch, ["coat"] * 6), carry(batch, ["coat"] * 6))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda carry: carry(torch.zeros(2, 3, 4, 5)), "there are no labels to carry the batch into"),
        (lambda carry: carry(torch.zeros(0, 3, 4, 5), []), "wanted a tensor or an array"),
        (lambda carry: carry([1], [1]), "the batch is a list"),
        (lambda carry: carry(torch.zeros(2, 3, 9, 9), [1, 2]), r"the batch's samples are float32 \[3, 9, 9\]"),
        (lambda carry: carry(torch.full((2, 3, 4, 5), 1.5), [1, 2]), "normalise them afterwards"),
        (lambda carry: carry(torch.full((2, 3, 4, 5), float("nan")), [1, 2]), "normalise them afterwards"),
        (lambda carry: carry(torch.zeros(2, 3, 4, 5), [1]), "there are 2 samples and 1 classes"),
        (lambda carry: carry(torch.zeros(2, 3, 4, 5), [1, 4]), "class index 4"),
    ],
)
def test_a_batch_that_cannot_be_carried_is_refused(client, call, message):
    with pytest.raises(augmint.InvalidRequest, match=message):
        call(Transform(client))


def test_a_generator_that_cannot_is_refused_at_once(client, fake):
    fake.transforms = False
    with pytest.raises(augmint.InvalidRequest, match="cannot transform"):
        Transform(client)
