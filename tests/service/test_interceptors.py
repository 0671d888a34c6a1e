import inspect

from service import errors
from service.interceptors import STATUS


def test_every_error_has_a_status():
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.ServiceError) and kind is not errors.ServiceError
    ]
    assert kinds
    assert set(STATUS) == set(kinds)


def test_quoted_text_is_bounded_and_on_one_line():
    assert errors.quote("a\n\x1b[31m" + "b" * 1000).startswith(r"'a\n\x1b[31mb")
    assert len(errors.quote("b" * 1000)) < 80
