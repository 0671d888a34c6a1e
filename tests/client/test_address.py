"""client/augmint/address.py"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import augmint
from augmint.address import INDEX_LIMIT, check_truncation, position_limit

addresses = st.builds(
    lambda start, classes, selection, **fields: augmint.Address(
        start_index=min(start, position_limit(min(selection), max(selection)) - len(classes)),
        class_indices=tuple(classes),
        keep=min(selection),
        of=max(selection),
        **fields,
    ),
    generator=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True),
    version=st.integers(1, 2**32 - 1),
    digest=st.binary(min_size=32, max_size=32).map(bytes.hex),
    seed=st.integers(0, 2**64 - 1),
    start=st.integers(0, INDEX_LIMIT - 1),
    classes=st.lists(st.integers(0, 3) | st.integers(0, 2**32 - 1), min_size=1, max_size=40),
    truncation=st.floats(2**-100, 2, width=32).map(check_truncation),
    selection=st.just((0, 0)) | st.tuples(st.integers(1, 64), st.integers(1, 64)),
)

GOOD = f"augmint:digits/1?digest={'a' * 64}&seed=7&start=0&n=3&classes=4*2,5&truncation=1.0"


@given(addresses)
def test_text_of_an_address_reads_back_as_the_same_address(address):
    assert augmint.Address.parse(str(address)) == address


def test_text_is_short_for_a_run_of_one_class():
    address = augmint.Address("digits", 1, "a" * 64, 7, 10, (3,) * 100_000, 0.7)
    assert str(address) == f"augmint:digits/1?digest={'a' * 64}&seed=7&start=10&n=100000&classes=3&truncation=0.7"
    assert augmint.Address.parse(str(address)) == address


def test_classes_are_written_per_change_of_class():
    assert augmint.Address.parse(GOOD).class_indices == (4, 4, 5)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("augmint:", "http:"), "NAME/VERSION"),
        (("digits/1", "digits"), "NAME/VERSION"),
        (("digits/1", "Digits/1"), "NAME/VERSION"),
        (("digits/1", "digits/0"), "version '0'"),
        (("a" * 64, "a" * 63), "digest"),
        (("seed=7", "seed=-7"), "seed '-7'"),
        (("seed=7", f"seed={2**64}"), "seed"),
        (("start=0", f"start={2**48}"), "start"),
        (("n=3", "n=0"), "n '0'"),
        (("n=3", "n=99999999999999"), "n '99999999999999'"),
        (("n=3", "n=4"), "sum up to n = 4"),
        (("4*2,5", "4*3,5"), "sum up to n = 3"),
        (("4*2,5", "4*2,x"), "a class 'x'"),
        (("4*2,5", "4*x,5"), "the count of a class 'x'"),
        (("truncation=1.0", "truncation=nan"), "truncation"),
        (("truncation=1.0", "truncation=2.5"), "truncation"),
        (("&truncation=1.0", ""), "exactly digest"),
        (("&truncation=1.0", "&truncation=1.0&keep=2"), "exactly digest"),
        (("&truncation=1.0", "&truncation=1.0&of=2"), "exactly digest"),
        (("&truncation=1.0", "&truncation=1.0&keep=3&of=2"), "keep '3'"),
        (("&truncation=1.0", "&truncation=1.0&keep=1&of=65"), "of '65'"),
        (("seed=7", "seed=7&seed=8"), "exactly digest"),
    ],
)
def test_wrong_text_is_refused_and_the_part_named(change, named):
    with pytest.raises(augmint.InvalidRequest) as refused:
        augmint.Address.parse(GOOD.replace(*change))
    assert named in str(refused.value)


@given(st.text(max_size=80) | st.text(max_size=30).map(lambda text: GOOD.replace("seed=7", text)))
def test_any_other_text_is_refused_with_the_same_error(text):
    try:
        address = augmint.Address.parse(text)
    except augmint.InvalidRequest:
        return
    assert augmint.Address.parse(str(address)) == address


@pytest.mark.parametrize("value", [0.0, -1.0, 2.0001, float("nan"), float("inf"), 1e-60, 1e300])
def test_truncation_outside_its_range_is_refused(value):
    with pytest.raises(augmint.InvalidRequest, match="truncation"):
        check_truncation(value)
