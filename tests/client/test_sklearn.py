"""client/augmint/sklearn.py, with the real libraries."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTENC, RandomOverSampler
from imblearn.pipeline import Pipeline
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import OneHotEncoder

import augmint
from augmint.sklearn import AugmintSampler
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService, served
from tests.client.tables import LABELS, TableService, of_numbers


@pytest.fixture
def fake():
    return TableService()


@pytest.fixture
def table(fake):
    """(X, y): 60 rows of the generator's table, 50 of the first class and 10 of the second."""
    with augmint.Client(transport=fake) as client:
        frame = client.generate(classes=[0] * 50 + [1] * 10, seed=1).to_frame()
    return frame.drop(columns="income"), frame["income"].astype(str)


# -- what comes back -------------------------------------------------------------------------------------


def test_synthetic_rows_come_behind_the_real_ones_with_their_dtypes(target, fake, table):
    X, y = table
    found, labels = AugmintSampler(target, random_state=7).fit_resample(X.set_index(X.index + 100), y)
    assert len(found) == len(labels) == 100
    assert found.index.tolist() == labels.index.tolist() == list(range(100))
    pd.testing.assert_frame_equal(found[:60], X)
    assert found.dtypes.to_dict() == X.dtypes.to_dict()
    assert (labels.name, labels.dtype) == (y.name, y.dtype)
    assert labels[60:].tolist() == [LABELS[1]] * 40


def test_the_added_rows_are_those_of_the_addresses_that_it_tells(target, table):
    sampler = AugmintSampler(target, random_state=7)
    found, _ = sampler.fit_resample(*table)
    assert sampler.seed_ == 7
    assert sampler.sampling_strategy_ == {LABELS[1]: 40}
    with augmint.Client(target) as client:
        rows = pd.concat([client.replay(address).to_frame() for address in sampler.addresses_], ignore_index=True)
    pd.testing.assert_frame_equal(found[60:].reset_index(drop=True), rows.drop(columns="income"))
    assert set(rows["income"]) == {LABELS[1]}


def test_order_and_shape_are_those_of_other_over_samplers(target, table):
    X, y = table
    ours, labels = AugmintSampler(target, random_state=7, sampling_strategy=0.5).fit_resample(X, y)
    theirs, other = RandomOverSampler(random_state=7, sampling_strategy=0.5).fit_resample(X, y)
    assert labels.tolist() == other.tolist()
    assert list(ours) == list(theirs)
    assert ours.index.equals(theirs.index)
    numbers, flags = X[["age", "amount"]].assign(job=X["job"].cat.codes), y
    smote, _ = SMOTENC([2], random_state=7).fit_resample(numbers, flags)
    assert smote[:60].equals(numbers)  # the convention that ours keeps


@pytest.mark.parametrize(
    ("strategy", "counts"),
    [
        ("auto", [50, 50]),
        ("minority", [50, 50]),
        ("all", [50, 50]),
        ("not minority", [50, 10]),
        (0.6, [50, 30]),
        ({LABELS[1]: 13, LABELS[0]: 51}, [51, 13]),
        (lambda y: {LABELS[1]: 11}, [50, 11]),
    ],
)
def test_strategies_are_those_of_imbalanced_learn(target, table, strategy, counts):
    _, y = AugmintSampler(target, sampling_strategy=strategy).fit_resample(*table)
    assert [(y == label).sum() for label in LABELS] == counts


def test_one_random_state_gives_the_same_rows_however_many_and_in_every_fold(target, table):
    X, y = table
    few, many = ({LABELS[1]: count, LABELS[0]: 55} for count in (20, 30))
    first, _ = AugmintSampler(target, random_state=3, sampling_strategy=few).fit_resample(X, y)
    again, _ = AugmintSampler(target, random_state=3, sampling_strategy=few).fit_resample(X, y)
    more, labels = AugmintSampler(target, random_state=3, sampling_strategy=many).fit_resample(X[:58], y[:58])
    pd.testing.assert_frame_equal(first, again)
    last = more[labels == LABELS[1]][8:]
    assert last[:10].reset_index(drop=True).equals(first[60:][first.index[60:] >= 65].reset_index(drop=True))
    assert first[60:65].reset_index(drop=True).equals(more[58:63].reset_index(drop=True))


def test_without_a_random_state_every_call_has_other_rows(target, table):
    sampler = AugmintSampler(target)
    seeds = set()
    for _ in range(3):
        sampler.fit_resample(*table)
        seeds.add(sampler.seed_)
    assert len(seeds) == 3
    assert min(seeds) >= 2**32
    shared = np.random.RandomState(5)
    drawn = [AugmintSampler(target, random_state=shared).fit_resample(*table)[0] for _ in range(2)]
    assert not drawn[0].equals(drawn[1])


def test_classes_share_no_address(target, table):
    sampler = AugmintSampler(target, random_state=3, sampling_strategy={LABELS[0]: 60, LABELS[1]: 60})
    sampler.fit_resample(*table)
    starts = [augmint.Address.parse(address) for address in sampler.addresses_]
    assert [(one.start_index, one.n) for one in starts] == [(0, 10), (2**47, 50)]


def test_a_pipeline_resamples_when_it_fits_only(target, fake, table):
    X, y = table
    model = Pipeline(
        [
            ("augment", AugmintSampler(target, random_state=7)),
            ("encode", make_column_transformer((OneHotEncoder(), ["job"]), ("passthrough", ["age", "amount"]))),
            ("classify", LogisticRegression(max_iter=1000)),
        ]
    )
    model.fit(X, y)
    asked = len(fake.requests)
    assert asked > 0
    assert len(model.predict(X)) == 60
    assert len(fake.requests) == asked


def test_a_grid_search_sets_its_parameters(target, fake, table):
    X, y = table
    grid = {"augment__sampling_strategy": [0.5, 1.0]}
    model = Pipeline(
        [
            ("augment", AugmintSampler(target, random_state=7)),
            ("leave", make_column_transformer(("passthrough", ["age", "amount"]))),
            ("classify", LogisticRegression(max_iter=1000)),
        ]
    )
    search = GridSearchCV(model, grid, cv=2, refit=False, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 2
    counts = [request.n or len(request.class_indices) for request in fake.requests[-4:]]  # folds of 25 and 5 rows
    assert counts == [7, 7, 20, 20]


def test_it_is_cloned_and_pickled_with_all_of_its_parameters(target, table):
    sampler = AugmintSampler(target, "fake", random_state=3, names={0: "<=50K"}, token=Path("t"), truncation=0.5)
    for copy in (clone(sampler), pickle.loads(pickle.dumps(sampler))):
        assert copy.get_params() == sampler.get_params()
    assert "truncation=0.5" in repr(sampler)
    fitted = AugmintSampler(target, random_state=3)
    rows, _ = fitted.fit_resample(*table)
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.addresses_ == fitted.addresses_
    assert copy.fit_resample(*table)[0].equals(rows)
    with pytest.raises(NotFittedError):
        AugmintSampler(target).get_feature_names_out()


# -- classes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "values"),
    [
        (("0", "1"), [0, 1]),
        (("0", "1"), [False, True]),
        (("0", "1"), [0.0, 1.0]),
        (("0", "1"), ["0", "1"]),
        (("0.0", "1.0"), [0, 1]),
        (("False", "True"), [False, True]),
        (("true", "false"), [False, True]),
        (("-1", "2"), [np.int8(-1), np.int8(2)]),
    ],
)
@pytest.mark.parametrize("form", [np.array, pd.Series, list, lambda y: pd.Series(y, dtype="category")])
def test_classes_are_matched_by_what_they_are_written_as(labels, values, form):
    y = form([values[0]] * 8 + [values[1]] * 4)
    X = np.zeros((12, 1))
    with served(of_numbers("a", labels=labels)) as target:
        sampler = AugmintSampler(target, random_state=3)
        _, found = sampler.fit_resample(X, y)
    assert list(found) == [values[0]] * 8 + [values[1]] * 8
    assert type(found) is type(y)
    (address,) = map(augmint.Address.parse, sampler.addresses_)
    wanted = [label.lower().removesuffix(".0") for label in labels]
    index = wanted.index(str(values[1]).lower().removesuffix(".0")) if str(values[1]).lower() in wanted else 1
    assert set(address.class_indices) == {index}


def test_an_unknown_class_is_refused_by_name_and_names_says_which(target, table):
    X, y = table
    coded = (y == LABELS[1]).astype(int)
    with pytest.raises(augmint.LabelNotFound, match=r"no label for class 1 of y; its labels are <=50K, >50K\..*names="):
        AugmintSampler(target).fit_resample(X, coded)
    _, found = AugmintSampler(target, names={1: ">50K"}).fit_resample(X, coded)
    assert found.sum() == 50
    with pytest.raises(augmint.LabelNotFound, match="no label '50K'"):
        AugmintSampler(target, names={1: "50K"}).fit_resample(X, coded)


def test_a_class_that_is_not_drawn_need_not_be_known(target, table):
    X, y = table
    _, found = AugmintSampler(target).fit_resample(X, y.where(y == LABELS[1], "other"))
    assert (found == LABELS[1]).sum() == 50


def test_a_withheld_class_is_drawn_with_a_warning(target, fake, table):
    fake.quality = pb.QualityCard(classes=[pb.ClassQuality(label=">50K", verdict=pb.VERDICT_WITHHELD)])
    with pytest.warns(UserWarning, match="says that its samples of '>50K' should not be trained on") as told:
        AugmintSampler(target).fit_resample(*table)
    assert told[0].filename == __file__


# -- columns and arguments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda X: X.drop(columns="age"), "makes a column 'age', which the table does not have"),
        (lambda X: X.rename(columns={"age": "Age"}), "'age', which the table does not have; did you mean 'Age'"),
        (lambda X: X.assign(city="x"), "has a column 'city', which generator 'fake' does not make"),
        (lambda X: pd.concat([X, X[["age"]]], axis=1), "X has the column 'age' twice"),
        (lambda X: X.assign(income="x"), "the table holds the labels, in column 'income': they belong in y alone"),
        (lambda X: X.assign(job="Privat"), "'job' holds 'Privat', .* did you mean 'Private'"),
        (lambda X: X.assign(age="x"), "'age' holds 'x'; the generator's holds whole numbers"),
        (lambda X: X.assign(children=X["age"]), "'children' is int64, and the generator's may be missing"),
        (lambda X: X.assign(age=X["age"].astype(np.int8)), "'account' is|'age' is int8"),
        (lambda X: X.assign(amount=1), "'amount' is int64, and the generator makes numbers with a fraction"),
        (lambda X: X.assign(since=3), "'since' holds 3; the generator's holds dates: pandas.to_datetime"),
        (lambda X: X.assign(owner="maybe"), "'owner' holds 'maybe'"),
        (lambda X: X.assign(job=X["job"].cat.set_categories(["Private", "State-gov"])), "without 'Self-emp, inc'"),
    ],
)
def test_columns_that_do_not_match_are_one_sentence(target, table, change, named):
    X, y = table
    changed = change(X)
    if str(changed.get("age", pd.Series()).dtypes) == "int8":  # rows up to 90 fit; an account of 2^40 does not
        changed = changed.assign(account=np.int32(7))
        named = "'account' is int32, and the generator makes numbers from"
    with pytest.raises(augmint.InvalidRequest, match=named) as raised:
        AugmintSampler(target, random_state=0).fit_resample(changed, y)
    assert "\n" not in str(raised.value)


def test_columns_may_stand_in_any_order(target, table):
    X, y = table
    turned, _ = AugmintSampler(target, random_state=7).fit_resample(X[X.columns[::-1]], y)
    straight, _ = AugmintSampler(target, random_state=7).fit_resample(X, y)
    assert list(turned) == list(X)[::-1]
    pd.testing.assert_frame_equal(turned[list(X)], straight)


def test_arrays_of_objects_go_by_position(target, table):
    X, y = table
    found, labels = AugmintSampler(target, random_state=7).fit_resample(X.to_numpy(object), y.to_numpy(object))
    frame, _ = AugmintSampler(target, random_state=7).fit_resample(X, y)
    assert found.dtype == object
    assert labels[60:].tolist() == [LABELS[1]] * 40
    plain = ["job", "age", "amount", "account", "owner"]  # of the others, what stands for a missing value differs
    where = [list(X).index(name) for name in plain]
    wanted = frame.loc[60:, plain].to_numpy(object)
    assert np.vectorize(str)(found[60:, where]).tolist() == np.vectorize(str)(wanted).tolist()
    with pytest.raises(augmint.InvalidRequest, match="X has 8 columns, and generator 'fake' makes 9: job, age"):
        AugmintSampler(target).fit_resample(X.to_numpy(object)[:, 1:], y)


def test_other_frames_and_other_generators_are_refused(table):
    X, y = table
    polars = type("DataFrame", (), {"__module__": "polars.dataframe", "shape": X.shape, "__len__": lambda self: len(X)})
    with pytest.raises(augmint.InvalidRequest, match="X is a DataFrame of polars: hand over that of pandas"):
        AugmintSampler().fit_resample(polars(), y)
    with served(FakeService()) as target, pytest.raises(augmint.InvalidRequest, match="makes image, not rows"):
        AugmintSampler(target).fit_resample(X, y)


def test_arguments_are_those_of_the_client(target, fake, table):
    AugmintSampler(target, "fake", version=1, digest=f"{1:064x}", truncation=0.5, keep=1, of=2).fit_resample(*table)
    asked = fake.requests[-1]
    assert (asked.truncation, asked.keep, asked.of) == (0.5, 1, 2)
    with pytest.raises(augmint.GeneratorNotFound, match="no generator 'other'"):
        AugmintSampler(target, "other").fit_resample(*table)
    with pytest.raises(augmint.DigestMismatch, match="is the file"):
        AugmintSampler(target, digest="0" * 64).fit_resample(*table)
    with pytest.raises(ValueError, match="The 'token' parameter"):
        AugmintSampler(target, token="secret").fit_resample(*table)


def test_a_balanced_table_comes_back_as_it_was(target, fake, table):
    X, y = table
    asked = len(fake.requests)
    sampler = AugmintSampler(target)
    found, labels = sampler.fit_resample(X[40:], y[40:])
    assert found.equals(X[40:].reset_index(drop=True))
    assert labels.tolist() == y[40:].tolist()
    assert (sampler.addresses_, len(fake.requests)) == ([], asked)


def test_the_plug_in_names_its_extra_when_a_library_is_missing():
    code = "import sys; sys.modules['imblearn'] = None; import augmint.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "MissingExtra: this needs imbalanced-learn: pip install 'augmint[sklearn]'" in done.stderr
