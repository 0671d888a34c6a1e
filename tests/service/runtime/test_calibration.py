"""Which batch sizes run, from what each of them takes."""

import pytest

from service.runtime.calibration import LADDER, STEPS, Costs


def costs(seconds_per_row, weights=0.0):
    """weights: seconds that a batch takes for its weights, whatever its size."""
    return Costs({n: weights + n * seconds_per_row(n) for n in LADDER})


def test_rows_that_cost_less_in_small_batches_run_in_small_batches():
    # A convolutional generator of 28 x 28, measured: activations of more than 64 rows leave the second cache.
    measured = {16: 110.6, 32: 99.7, 48: 103.5, 64: 100.5, 96: 104.1, 128: 104.2, 192: 105.5, 256: 108.6, 384: 114.5}
    assert Costs({n: n * 1e-6 * each for n, each in measured.items()}).best_batch == 64


def test_weights_that_have_to_be_fetched_ask_for_large_batches():
    assert costs(lambda n: 135e-6, weights=1.2e-3).best_batch == 192
    assert costs(lambda n: 135e-6).best_batch == 96


def test_no_batch_is_larger_than_it_pays():
    sizes = costs(lambda n: 20e-6 if n <= 256 else 40e-6)
    assert sizes.best_batch == 192  # as fast as 256, within the precision of measurements
    assert sizes.buckets == tuple(n for n in LADDER if n <= 192)


def test_refined_sizes_pad_by_an_eighth_at_most_and_are_priced_in_between():
    sizes = costs(lambda n: 135e-6, weights=1.2e-3)
    timed, price = sizes.buckets, {n: sizes.seconds(n) for n in sizes.buckets}
    sizes.refine()
    assert sizes.buckets == tuple(sorted(set(sizes.buckets)))
    assert set(timed) <= set(sizes.buckets)
    assert sizes.best_batch == timed[-1] == sizes.buckets[-1]
    assert all(sizes.seconds(n) == pytest.approx(seconds) for n, seconds in price.items())
    for n in range(1, sizes.best_batch + 1):
        assert n <= sizes.bucket(n) <= max(n, n * (1 + 1 / STEPS))
        assert sizes.seconds(n) == pytest.approx(1.2e-3 + sizes.bucket(n) * 135e-6)


def test_rows_are_padded_to_the_next_size_and_more_than_a_batch_is_split():
    sizes = costs(lambda n: 20e-6 if n <= 256 else 40e-6)
    assert [sizes.bucket(n) for n in (1, 3, 33, 192)] == [1, 4, 48, 192]
    assert sizes.seconds(3) == pytest.approx(4 * 20e-6)
    assert sizes.seconds(2 * 192 + 3) == pytest.approx(2 * 192 * 20e-6 + 4 * 20e-6)
