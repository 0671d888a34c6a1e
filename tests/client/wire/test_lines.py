"""client/augmint/wire/lines.py"""

import pytest

from augmint.errors import ClientClosed, InvalidRequest
from augmint.wire.lines import Lines


class Line:
    def __init__(self):
        self.calls = 0

    def close(self):
        """Counts nothing: who closes is told by the return value of give_back."""


def test_a_line_that_hangs_is_replaced_once_however_many_calls_say_so():
    lines = Lines(Line)
    first = [lines.take() for _ in range(3)]
    second = [lines.take(line) for line in first]
    assert len({*first, *second}) == 2
    assert lines.take() is second[0]


def test_a_replaced_line_is_closed_with_its_last_call_and_the_current_one_never():
    lines = Lines(Line)
    old, _ = lines.take(), lines.take()
    new = lines.take(old)
    assert lines.give_back(old) is None
    assert lines.give_back(old) is old
    assert lines.give_back(new) is None
    assert lines.take() is new


def test_a_line_that_cannot_be_made_leaves_the_old_one_in_use():
    made = [Line()]

    def make():
        if not made:
            raise InvalidRequest("Tls: the certificate is being replaced")
        return made.pop()

    lines = Lines(make)
    line = lines.take()
    assert lines.take(line) is line


def test_all_are_closed_at_the_end_once():
    lines = Lines(Line)
    old = lines.take()
    new = lines.take(old)
    assert set(lines.drain()) == {old, new}
    assert lines.drain() == []
    with pytest.raises(ClientClosed):  # a late call would begin a line that nobody closes
        lines.take(new)
    assert lines.give_back(old) is None
