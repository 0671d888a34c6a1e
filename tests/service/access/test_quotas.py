from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from service.access import quotas
from service.access.reload import FileError, Watched
from service.errors import Forbidden, Overloaded, QuotaExceeded
from service.metrics import Metrics
from tests.fakes import Clock

FILE = Path("quotas.toml")


def ledger(text, clock):
    metrics = Metrics(CollectorRegistry())
    rules = Watched("quotas", [], lambda: quotas.parse(text, FILE), metrics)
    return quotas.Quotas(rules, metrics, clock)


def draw(account, samples, work_seconds=0.0, generator="tiny"):
    with account.admit(generator, samples, work_seconds):
        pass


def test_a_burst_is_free_and_then_the_rate_holds():
    clock = Clock()
    account = ledger("[default]\nsamples_per_second = 100\nburst_samples = 500", clock).account("reader")
    draw(account, 500)
    with pytest.raises(QuotaExceeded, match=r"'reader' may draw 100 samples/s \(up to 500 at once\)") as refused:
        draw(account, 50)
    assert refused.value.retry_after_seconds == pytest.approx(0.5)
    clock.now += 0.5
    draw(account, 50)
    with pytest.raises(QuotaExceeded):
        draw(account, 1)


def test_a_call_above_the_burst_is_let_in_after_a_rest_and_paid_for_afterwards():
    clock = Clock()
    account = ledger("[default]\nsamples_per_second = 10\nburst_samples = 20", clock).account("reader")
    draw(account, 100)
    with pytest.raises(QuotaExceeded) as refused:
        draw(account, 1)
    assert refused.value.retry_after_seconds == pytest.approx(8.1)


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 400)), max_size=60),
    st.floats(1, 1000),
    st.floats(1, 1000),
)
def test_whoever_waits_as_told_is_let_in_and_nobody_gets_more_than_rate_and_burst(calls, rate, burst):
    clock = Clock()
    began = clock.now
    account = ledger(f"[default]\nsamples_per_second = {rate}\nburst_samples = {burst}", clock).account("reader")
    drawn = largest = 0
    for pause, samples in calls:
        clock.now += pause
        try:
            draw(account, samples)
        except QuotaExceeded as refused:
            clock.now += refused.retry_after_seconds + 1e-6
            draw(account, samples)
        drawn += samples
        largest = max(largest, samples)
        assert drawn <= (burst + largest + rate * (clock.now - began)) * (1 + 1e-9)


def test_open_work_is_bounded_and_given_back_whatever_the_end():
    account = ledger("[default]\nopen_work_seconds = 2", Clock()).account("reader")
    with account.admit("tiny", 10, 1.5):
        with pytest.raises(QuotaExceeded, match=r"has 1\.50 s of work open and this call adds 1\.00 s; at most 2 s"):
            draw(account, 10, 1.0)
        draw(account, 10, 0.5)
    with pytest.raises(ZeroDivisionError), account.admit("tiny", 10, 1.5):
        raise ZeroDivisionError
    draw(account, 10, 5.0)  # more than may be open at a time, but nothing else is


def test_samples_that_the_scheduler_refused_are_not_counted():
    clock = Clock()
    account = ledger("[default]\nsamples_per_second = 1\nburst_samples = 10", clock).account("reader")
    with pytest.raises(Overloaded), account.admit("tiny", 10, 0):
        raise Overloaded("full", 1)
    draw(account, 10)


def test_a_client_keeps_to_the_generators_of_its_quota():
    clients = ledger('[clients.reader]\ngenerators = ["tiny"]', Clock())
    draw(clients.account("reader"), 1)
    draw(clients.account("other"), 1, generator="slow")
    with pytest.raises(Forbidden, match="client 'reader' may not draw from 'slow'; allowed: 'tiny'"):
        draw(clients.account("reader"), 1, generator="slow")


def test_clients_do_not_share_what_they_have_and_named_ones_have_their_own_quota():
    text = "[default]\nsamples_per_second = 1\n[clients.vision]\nsamples_per_second = 100"
    clients = ledger(text, Clock())
    draw(clients.account("a"), 10)
    draw(clients.account("b"), 10)
    draw(clients.account("vision"), 1000)
    for name in ("a", "b", "vision"):
        with pytest.raises(QuotaExceeded):
            draw(clients.account(name), 1)


def test_new_rules_hold_at_once_and_what_was_spent_stays_spent():
    clock = Clock()
    rules = ["[default]\nsamples_per_second = 1\nburst_samples = 10"]
    metrics = Metrics(CollectorRegistry())
    watched = Watched("quotas", [], lambda: quotas.parse(rules[0], FILE), metrics)
    clients = quotas.Quotas(watched, metrics, clock)
    draw(clients.account("reader"), 10)
    watched.value = quotas.parse("[default]\nsamples_per_second = 10\nburst_samples = 10", FILE)
    with pytest.raises(QuotaExceeded) as refused:
        draw(clients.account("reader"), 10)
    assert refused.value.retry_after_seconds == pytest.approx(1)


def test_clients_that_rest_are_forgotten(monkeypatch):
    monkeypatch.setattr(quotas, "CLIENTS_LIMIT", 10)
    clock = Clock()
    clients = ledger("[default]\nsamples_per_second = 1\nburst_samples = 10", clock)
    for number in range(10):
        draw(clients.account(f"ipv4:10.0.0.{number}"), 5)
    clock.now += 4
    draw(clients.account("ipv4:10.0.0.0"), 1)
    clock.now += 1
    clients.account("ipv4:10.0.1.0")
    assert set(clients._accounts) == {"ipv4:10.0.0.0", "ipv4:10.0.1.0"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("default = ", r"quotas\.toml is no TOML: Invalid value"),
        ("[default]\nsamples = 1", r"quotas\.toml: default\.samples: Extra inputs"),
        ("[clients.a]\nsamples_per_second = 0", r"clients\.a\.samples_per_second: .*greater than 0"),
        ("[clients.a]\nsamples_per_second = 'many'", r"clients\.a\.samples_per_second: .*valid number"),
        ("[clients.a]\nopen_work_seconds = inf", r"clients\.a\.open_work_seconds: .*finite"),
        ("[clients.a]\ngenerators = 'digits'", r"clients\.a\.generators: .*valid list"),
        ("clients = 1", r"clients: .*valid dictionary"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(text, message):
    with pytest.raises(FileError, match=message):
        quotas.parse(text, FILE)
