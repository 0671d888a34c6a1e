"""What readers see while the service fails, is away, or wants a token, and when they leave."""

import asyncio

import pytest
from starlette.requests import Request

from augmint import errors
from augmint.browse.pages import Gone, ask
from tests.client.browse.serving import browsed, get, page_of, words
from tests.client.fakes import FakeService, served


@pytest.mark.parametrize(
    ("fault", "status", "told"),
    [
        (errors.Overloaded("the queue is full", -1.0), 503, "The service is full"),
        (errors.AccessDenied("this token may not draw"), 403, "The service does not let this page in"),
        (errors.ServiceFault("it broke"), 502, "The service failed"),
    ],
)
def test_a_service_that_fails_is_described_in_plain_sentences(fault, status, told):
    fake = FakeService()
    fake.faults = [fault]
    with page_of(fake) as site:
        answer = get(f"{site}/g/fake/1")
        assert (answer.status, told in words(answer), str(fault) in words(answer)) == (status, True, True)
        assert get(f"{site}/g/fake/1").status == 200


def test_a_service_that_is_away_is_waited_for():
    with served(FakeService()) as target:
        pass
    with browsed(target, timeout=0.5) as site:
        away = get(f"{site}/")
        assert (away.status, away.headers["retry-after"]) == (503, "2")
        assert "The service is away" in words(away)
        assert 'hx-get="/waiting"' in away.text
        assert get(f"{site}/waiting").status == 204
        with served(FakeService(), int(target.rpartition(":")[2])):
            while (answer := get(f"{site}/waiting")).status == 204:
                pass
            assert answer.headers["hx-refresh"] == "true"
            assert get(f"{site}/").status == 200


def test_a_token_that_is_missing_is_asked_for_and_one_that_is_there_is_sent(tmp_path):
    (tmp_path / "token").write_text("secret-word\n")
    with served(FakeService(), token="secret-word") as target:
        with browsed(target) as site:
            answer = get(f"{site}/")
            assert (answer.status, "--token-file" in words(answer)) == (403, True)
        with browsed(target, token=tmp_path / "token") as site:
            page = get(f"{site}/g/fake/1")
            assert page.status == 200
            assert "--token-file token" in words(page)
            assert "secret-word" not in page.text


def test_a_reader_who_goes_away_is_drawn_for_no_longer():
    async def run():
        left, begun = asyncio.Event(), asyncio.Event()

        async def receive():
            await left.wait()
            return {"type": "http.disconnect"}

        async def draw():
            begun.set()
            await asyncio.Event().wait()

        request = Request({"type": "http"}, receive)
        drawing = asyncio.ensure_future(draw())
        asked = asyncio.ensure_future(ask(request, drawing))
        await begun.wait()
        left.set()
        with pytest.raises(Gone):
            await asked
        assert drawing.cancelled()

    asyncio.run(run())


def test_probes_get_an_answer_without_the_service():
    with served(FakeService()) as target:
        pass
    with browsed(target) as site:
        assert get(f"{site}/alive").text == "ok\n"
