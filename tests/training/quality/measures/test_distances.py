import numpy as np
import pytest
import scipy.linalg

from training.quality.measures.distances import frechet, kernel


def exact(mean: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Vectors whose sample mean and covariance are exactly the given ones."""
    raw = np.random.default_rng(seed).standard_normal((count, len(mean)))
    raw -= raw.mean(0)
    raw = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    return raw @ np.linalg.cholesky(covariance).T + mean


def test_frechet_of_commuting_gaussians_is_the_closed_form():
    mean1, mean2 = np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 0.0])
    deviation1, deviation2 = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 0.5])
    first = exact(mean1, np.diag(deviation1**2), 100, 0)
    second = exact(mean2, np.diag(deviation2**2), 80, 1)
    # For diagonal covariances: |mu1 - mu2|^2 + sum (sigma1 - sigma2)^2
    assert frechet(first, second) == pytest.approx(5 + 1 + 0 + 6.25, rel=1e-9)


def test_frechet_agrees_with_the_square_root_of_the_product():
    random = np.random.default_rng(2)
    first = random.standard_normal((300, 16)) @ random.standard_normal((16, 16))
    second = random.standard_normal((200, 16)) @ random.standard_normal((16, 16)) + 1
    covariance1, covariance2 = np.cov(first.T), np.cov(second.T)
    root = scipy.linalg.sqrtm(covariance1 @ covariance2).real
    wanted = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(covariance1 + covariance2 - 2 * root)
    assert frechet(first, second) == pytest.approx(wanted, rel=1e-8)


def test_frechet_stays_exact_with_fewer_vectors_than_dimensions():
    first = np.random.default_rng(3).standard_normal((40, 128))
    assert frechet(first, first) == pytest.approx(0, abs=1e-5)
    # A pure shift costs its square, however singular the covariance.
    assert frechet(first, first + 0.5) == pytest.approx(128 * 0.25, rel=1e-6)


def test_frechet_of_large_float32_features_keeps_its_digits():
    first = np.random.default_rng(4).standard_normal((500, 8)).astype(np.float32)
    apart = frechet(first, first[::-1] * np.float32(1.01))
    assert frechet(first + 1000, (first * np.float32(1.01))[::-1] + 1000) == pytest.approx(apart, rel=0.05)


def by_pairs(first: np.ndarray, second: np.ndarray) -> float:
    """The usual unbiased estimator, one pair after the other."""

    def k(x, y):
        return (x @ y / len(x) + 1) ** 3

    n, m = len(first), len(second)
    return (
        sum(k(first[i], first[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
        + sum(k(second[i], second[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
        - 2 * sum(k(x, y) for x in first for y in second) / (n * m)
    )


def test_kernel_of_one_class_is_the_usual_estimator():
    random = np.random.default_rng(5)
    first, second = random.standard_normal((13, 6)), random.standard_normal((9, 6)) + 0.4
    found = kernel(first, second, np.zeros(13, int), np.zeros(9, int))
    assert found == pytest.approx(by_pairs(first, second), rel=1e-10)


def mixture(counts: list[int], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(len(counts)), counts)
    return random.standard_normal((len(labels), 4)) + 3 * np.eye(4)[labels], labels


def test_kernel_is_unbiased_for_fixed_numbers_of_each_class():
    random = np.random.default_rng(6)
    values = []
    for _ in range(400):
        (first, first_labels), (second, second_labels) = mixture([8, 4, 4], random), mixture([16, 8, 8], random)
        values.append(kernel(first, second, first_labels, second_labels))
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3 * error
    # The usual estimator is not: it misses the pairs of one class.
    one = [
        kernel(a, b, np.zeros(16, int), np.zeros(16, int))
        for a, b in ((mixture([8, 4, 4], random)[0], mixture([8, 4, 4], random)[0]) for _ in range(400))
    ]
    assert np.mean(one) < -3 * np.std(one) / np.sqrt(len(one))


def test_kernel_does_not_depend_on_the_blocks(monkeypatch):
    random = np.random.default_rng(7)
    (first, first_labels), (second, second_labels) = mixture([50, 30, 20], random), mixture([20, 30, 50], random)
    whole = kernel(first, second, first_labels, second_labels)
    monkeypatch.setattr("training.quality.measures.distances._BLOCK", 7)
    assert kernel(first, second, first_labels, second_labels) == pytest.approx(whole, rel=1e-12)
    assert whole > 0.1
