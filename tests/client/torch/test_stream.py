"""client/augmint/torch/stream.py; in workers: workers.py"""

import pickle
import threading

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, default_collate

import augmint
from augmint.torch import SyntheticStream, unit_interval
from tests.client.fakes import FakeService
from tests.client.torch.batches import expected, first, joined, same


def test_batches_come_in_order_without_end(stream, fake):
    batches = first(stream(), 20)
    assert [len(images) for images, _ in batches] == [8] * 20
    assert same(joined(batches), expected(0, 160))


def test_a_pass_has_the_length_given_and_the_next_goes_on_behind_it(stream, fake):
    data = stream(length=20)
    assert [len(labels) for _, labels in data] == [8, 8, 4]
    assert len(data) == 3
    assert same(joined(data), expected(20, 40))
    assert data.position == 40


def ways(data):
    """The stream itself, and what else iterates it in this process."""
    return {"stream": data, "loader": data.loader(), "DataLoader": DataLoader(data, batch_size=None)}


@pytest.mark.parametrize("way", ["stream", "loader", "DataLoader"])
@pytest.mark.parametrize("taken", [1, 4, 5])
def test_every_loop_reads_the_next_pass_whatever_became_of_the_last_one(stream, fake, way, taken):
    loader = ways(stream(length=40))[way]
    for number in range(4):
        assert same(joined(first(loader, taken)), expected(40 * number, 40 * number + 8 * taken))
    assert same(joined(loader), expected(160, 200))
    assert same(joined(loader), expected(200, 240))
    assert len(loader) == 5


@pytest.mark.parametrize("way", ["stream", "loader"])
def test_a_loop_that_failed_is_followed_by_a_whole_pass(stream, fake, way):
    loader = ways(stream(length=40))[way]
    fake.faults = [augmint.ServiceFault("no")]
    with pytest.raises(augmint.ServiceFault):
        list(loader)
    assert same(joined(loader), expected(0, 40))  # nothing of the first had been delivered
    with pytest.raises(ZeroDivisionError):
        sum(1 / 0 for _ in loader)
    assert same(joined(loader), expected(80, 120))


def test_asking_for_an_iterator_uses_no_pass_up(stream, fake):
    data = stream(length=16)
    for _ in range(3):
        iter(data), iter(data.loader())  # as Lightning does, to see whether it can be iterated
    assert same(joined(data), expected(0, 16))
    unused = iter(data)
    assert data.state_dict()["position"] == 16
    del unused


def test_loops_at_once_read_passes_of_their_own(stream, fake):
    data = stream(length=16)
    for (images, labels), (others, _) in zip(data, data, strict=True):
        assert not torch.equal(images, others)
        assert labels.tolist() == [0, 1, 2, 3] * 2
    assert data.position == 32
    outer = []
    for batch in data.loader():
        outer.append(batch)
        begin = 32 + 16 * len(outer)
        assert same(joined(data), expected(begin, begin + 16))
    assert same(joined(outer), expected(32, 48))
    assert data.position == 80


def test_without_a_length_a_loop_goes_on_where_the_last_one_was_left(stream, fake):
    data = stream()
    assert same(joined(first(data, 3)), expected(0, 24))
    data.set_epoch(0)  # accelerate does that; it means nothing here
    assert same(joined(first(data.loader(), 2)), expected(24, 40))


def test_set_epoch_chooses_the_pass(stream, fake):
    data = stream(length=16)
    for epoch in (2, 2, 0, 5):
        data.set_epoch(epoch)
        assert same(joined(data.loader()), expected(16 * epoch, 16 * epoch + 16))
    with pytest.raises(augmint.InvalidRequest, match="epoch is -1"):
        data.set_epoch(-1)


def test_a_stream_does_without_shared_memory(stream, fake, monkeypatch):
    def none(tensor):
        raise RuntimeError("unable to open shared memory object: Permission denied")

    monkeypatch.setattr(torch.Tensor, "share_memory_", none)
    data = stream(length=16)
    data.set_epoch(1)
    assert same(joined(data), expected(16, 32))


def test_what_all_ranks_leave_out_is_left_out_by_fewer_ranks_too(stream, fake):
    ranks = [stream(length=19, batch_size=4, rank=rank, world_size=4) for rank in range(4)]
    assert [len(first(rank, len(rank))) for rank in ranks] == [1] * 4  # 3 samples remain
    resumed = stream(length=19)
    resumed.load_state_dict(ranks[0].state_dict())
    assert same(joined(resumed), expected(19, 38))


def test_more_ranks_than_samples_in_a_pass_are_told(stream):
    with pytest.raises(augmint.InvalidRequest, match="a pass of 3 samples has none for some of the 4 ranks"):
        next(iter(stream(length=3, rank=0, world_size=4).loader()))


def test_a_stream_at_its_end_says_so(stream):
    data = stream(length=10, start_index=2**48 - 15)
    assert len(list(data)) == 2
    with pytest.raises(augmint.InvalidRequest, match="ends before this pass would; take another seed"):
        list(data)


@pytest.mark.parametrize("options", [{}, {"batch_size": 1}, {"batch_size": 32}, {"batch_size": 4, "drop_last": True}])
def test_batches_of_batches_are_refused_with_the_line_to_write(stream, options):
    with pytest.raises(augmint.InvalidRequest, match=r"write DataLoader\(stream, batch_size=None\)"):
        next(iter(DataLoader(stream(length=64), **options)))


class Samples(IterableDataset):
    """Somebody's data set of single samples, made of a stream."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __iter__(self):
        for images, labels in self.dataset:
            yield from zip(images, labels, strict=True)


def test_what_is_made_of_a_stream_may_be_batched(stream, fake):
    assert same(joined(DataLoader(Samples(stream(length=64)), batch_size=16)), expected(0, 64))


def test_somebodys_own_collate_function_may_put_batches_together(stream, fake):
    loader = DataLoader(stream(length=64), batch_size=2, collate_fn=joined)
    assert same(joined(loader), expected(0, 64))
    assert [len(labels) for _, labels in loader] == [16] * 4


def test_small_batches_share_a_call(stream, fake):
    first(stream(batch_size=16), 16)
    assert max(request.n for request in fake.requests) == 256


def test_ranks_take_the_parts_of_each_step(stream, fake):
    ranks = [joined(stream(length=48, rank=rank, world_size=3)) for rank in range(3)]
    in_order = [ranks[rank][1][8 * step : 8 * step + 8] for step in range(2) for rank in range(3)]
    assert torch.equal(torch.cat(in_order), expected(0, 48)[1])
    images = [ranks[rank][0][8 * step : 8 * step + 8] for step in range(2) for rank in range(3)]
    assert torch.equal(torch.cat(images), expected(0, 48)[0])


def test_leaving_the_loop_leaves_no_thread(stream):
    before = set(threading.enumerate())
    data = stream()
    for _ in range(3):
        first(data, 3)
    reader = iter(data)
    next(reader)
    started = set(threading.enumerate()) - before
    assert started
    reader.close()
    for thread in started:
        thread.join(60)
        assert not thread.is_alive()


def test_transforms_work_on_samples_in_order(stream, fake):
    seen = []

    def transform(image):
        seen.append(image.dtype)
        return image.sum()

    data = stream(transform=transform, target_transform=lambda label: label * 10)
    sums, labels = first(data, 1)[0]
    raw = expected(0, 8)
    assert set(seen) == {torch.uint8}
    assert torch.equal(sums, default_collate([(image * 255).round().to(torch.uint8).sum() for image in raw[0]]))
    assert torch.equal(labels, raw[1] * 10)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("transform", [None, unit_interval])
def test_batches_lie_in_memory_as_tensors_of_that_shape_do(channels, transform):
    # Of a gray image several strides are right, and PyTorch computes in another format, at another speed, for some.
    with augmint.Client(transport=FakeService(channels=channels)) as client:
        images, _ = first(SyntheticStream(client, batch_size=8, transform=transform), 1)[0]
    assert images.stride() == torch.empty(8, channels, 4, 5).stride()


def test_stats_tell_what_was_delivered_and_how_far_ahead(stream):
    data = stream()
    first(data, 10)
    stats = data.stats()
    assert (stats.batches, stats.samples) == (10, 80)
    assert 0 <= stats.stall_share <= 1
    assert stats.ahead >= 2


def test_little_memory_means_little_ahead(stream, fake):
    fake.gate.clear()
    data = stream(batch_size=128, prefetch_bytes=1)
    reader = threading.Thread(target=first, args=(data, 1))
    reader.start()
    try:
        for _ in range(6000):
            reader.join(0.01)
            if fake.in_flight == 2:
                break
        reader.join(0.05)
        assert fake.in_flight == 2
    finally:
        fake.gate.set()
        reader.join(60)


def test_several_ranks_without_torch_distributed_are_noticed(stream, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(augmint.InvalidRequest, match=r"WORLD_SIZE is 2, but torch\.distributed is not initialised"):
        first(stream(), 1)
    assert first(stream(rank=1, world_size=2), 1)


def test_ranks_come_from_torch_distributed(stream, fake, tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        data = stream(length=16)
        assert pickle.loads(pickle.dumps(data.state_dict())) == data.state_dict()
        assert same(joined(data), expected(0, 16))
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"length": 0}, "length is 0"),
        ({"rank": 0}, "both rank and world_size"),
        ({"rank": 2, "world_size": 2}, "rank is 2"),
        ({"prefetch_bytes": 0}, "prefetch_bytes is 0"),
    ],
)
def test_a_wrong_stream_is_refused_when_it_is_made(stream, options, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        stream(**options)


def test_an_endless_stream_has_no_len(stream):
    with pytest.raises(TypeError, match="no end"):
        len(stream())
