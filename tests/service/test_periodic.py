import threading

from structlog.testing import capture_logs

from service.periodic import every


def test_a_turn_that_fails_is_logged_and_the_next_one_comes():
    stopped, turns = threading.Event(), []

    def turn():
        turns.append(len(turns))
        if len(turns) == 3:
            stopped.set()
        raise ValueError("a bug")

    with capture_logs() as lines:
        every(0.001, turn, stopped, "look").join(30)
    assert turns == [0, 1, 2]
    assert [line["event"] for line in lines] == ["look failed"] * 3
