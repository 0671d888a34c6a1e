"""client/augmint/sklearn.py at the checks that imbalanced-learn and scikit-learn have for what people write."""

import contextlib
import warnings

import pytest
from imblearn.utils import estimator_checks as imblearn_checks
from sklearn.exceptions import SkipTestWarning
from sklearn.utils import estimator_checks as sklearn_checks
from sklearn.utils._testing import SkipTest

from augmint.sklearn import AugmintSampler
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import served
from tests.client.tables import TableService, of_numbers

# Every check makes a table of its own; it is asked with a generator of that one.
TABLES = {
    "wide": of_numbers(*map(str, range(20))),
    "pair": of_numbers("a", "b"),
    "three": of_numbers("col0", "col1", "col2"),
    "five": of_numbers(*"abcde"),
    "gaps": TableService(pb.TableSpec(columns=[pb.ColumnSpec(name="a", minimum=0, maximum=1)]), ("0", "1")),
    "letters": TableService(pb.TableSpec(columns=[pb.ColumnSpec(name="a", categories="ABC")]), ("0", "1")),
}
CHECKED_WITH = {
    "check_target_type": "pair",
    "check_samplers_one_label": "pair",
    "check_samplers_fit": "pair",
    "check_samplers_string": "letters",
    "check_samplers_nan": "gaps",
    "check_sampler_get_feature_names_out": "three",
    "check_sampler_get_feature_names_out_pandas": "three",
}
# Which cannot apply: it asks for a library's own switch to be set before the program starts.
SKIPPED = {"check_array_api_input"}


def checks():
    for library in (imblearn_checks, sklearn_checks):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkipTestWarning)
            for _, check in library.estimator_checks_generator(AugmintSampler(random_state=0)):
                yield pytest.param(check, id=check.func.__name__)


@pytest.fixture(scope="module")
def targets():
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(served(fake)) for name, fake in TABLES.items()}


@pytest.mark.parametrize("check", list(checks()))
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning", "ignore::DeprecationWarning")
def test_check_of_imbalanced_learn_and_scikit_learn(targets, check):
    name = check.func.__name__
    sampler = AugmintSampler(targets[CHECKED_WITH.get(name, "wide")], random_state=0)
    try:
        check(sampler)
    except SkipTest:
        assert name in SKIPPED


@pytest.mark.parametrize(
    "check", [imblearn_checks.check_param_validation, imblearn_checks.check_dataframe_column_names_consistency]
)
def test_check_that_imbalanced_learn_makes_of_its_own_samplers(targets, check):
    check("AugmintSampler", AugmintSampler(targets["five"]))
