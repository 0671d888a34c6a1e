import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from benchmarks.tables import table, utility
from tests.benchmarks.tables import made


@pytest.mark.parametrize("classes", [2, 3])
def test_the_measures_are_scikit_learns(classes):
    random = np.random.default_rng(0)
    truth = random.integers(classes, size=300)
    answers = random.dirichlet(np.ones(classes), 300).round(2) + np.eye(classes)[truth] * 0.3
    answers /= answers.sum(1, keepdims=True)
    weights = random.integers(0, 4, 300).astype(float)
    told = answers.argmax(1)
    scores = answers[:, 1] if classes == 2 else answers
    wanted = [
        f1_score(truth, told, average="macro", sample_weight=weights),
        balanced_accuracy_score(truth, told, sample_weight=weights),
        roc_auc_score(truth, scores, sample_weight=weights, multi_class="ovr", average="macro")
        if classes == 2
        else np.mean([roc_auc_score(truth == one, answers[:, one], sample_weight=weights) for one in range(classes)]),
    ]
    assert utility.measures(truth, answers, weights) == pytest.approx(wanted)


def test_a_classifier_that_knows_scores_one_and_one_that_does_not_a_half():
    truth = np.array([0, 1] * 100)
    knows = utility.score(truth, [np.eye(2)[truth]])
    assert {name: tuple(each) for name, each in knows.items()} == dict.fromkeys(utility.MEASURES, (1, 1, 1))
    guesses = utility.score(truth, [np.full((200, 2), 0.5)])
    assert guesses["AUC"].value == guesses["balanced accuracy"].value == 0.5


def test_the_interval_holds_what_test_rows_and_draws_make_uncertain():
    random = np.random.default_rng(0)
    truth = random.integers(2, size=400)

    def answers(right):
        told = np.where(random.random(400) < right, truth, 1 - truth)
        return np.eye(2)[told]

    same = utility.score(truth, [answers(0.8)] * 3)["balanced accuracy"]
    # The bootstrap of a share of 400: twice the root of p (1 - p) / 400 to either side.
    assert same.high - same.low == pytest.approx(4 * (0.16 / 400) ** 0.5, rel=0.25)
    apart = utility.score(truth, [answers(0.6), answers(0.8), answers(1.0)])["balanced accuracy"]
    assert apart.high - apart.low > 2 * (same.high - same.low)


def test_what_was_learned_from_the_same_law_is_as_good_and_from_shuffled_classes_worthless():
    data = made.of()
    random = np.random.default_rng(0)
    shuffled = data.train.assign(**{"class": random.permutation(data.train["class"])})
    real, same, none = (
        {name: measures["AUC"].value for name, measures in utility.judge(data, [rows]).items()}
        for rows in (data.train, made.independent(data, 600), shuffled)
    )
    for name in utility.CLASSIFIERS:
        assert real[name] > 0.85
        assert same[name] == pytest.approx(real[name], abs=0.06)
        assert none[name] < 0.65


def test_rows_that_lack_classes_values_and_categories_are_judged_all_the_same():
    data = made.of()
    holed = data.train.assign(pay=np.where(data.train["age"] > 50, np.nan, data.train["pay"]), job="king")
    one = data.train[data.train["class"] == "rich"]
    for rows, wanted in ((holed, 0.6), (one, 0.5)):
        for measures in utility.judge(data, [rows]).values():
            assert measures["AUC"].value >= wanted
    assert utility.judge(data, [one])["LR"]["balanced accuracy"].value == 0.5


def test_a_column_of_very_many_categories_is_judged_too():
    rows = made.rows(1200, 0)
    data = table.of(rows.assign(town=[f"town {number % 400}" for number in range(1200)]), "class", 600)
    for measures in utility.judge(data, [data.train]).values():
        assert measures["AUC"].value > 0.8
