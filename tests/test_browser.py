"""What watches pages for the other tests sees what it should."""

import pytest

from tests.browser import Visit

NO_HOST = "http://127.0.0.1:9"


@pytest.fixture
def report(tmp_path):
    def write(body):
        (tmp_path / "report.html").write_text(f"<!doctype html><title>a report</title>{body}")
        return (tmp_path / "report.html").as_uri()

    return write


def test_a_page_from_a_file_runs_its_scripts_and_plays_nothing_foreign(page, report):
    page.goto(report("<p id=said></p><script>said.textContent = 1 + 1</script>"))
    assert page.text_content("#said") == "2"


def test_a_complaint_in_the_console_is_noticed(browser, report):
    visit = Visit(browser)
    page = visit(report("<script>console.error('it broke')</script>"))
    page.evaluate("setTimeout(() => missing.thing)")
    page.wait_for_function("true")
    with pytest.raises(AssertionError, match=r"it broke"):
        visit.close()
    assert any("missing" in one for one in visit.complaints)


def test_a_complaint_that_is_meant_is_no_fault(browser, report):
    visit = Visit(browser)
    visit.expect("it broke")
    visit(report("<script>console.error('it broke')</script>"))
    visit.close()
    assert len(visit.complaints) == 1


def test_a_request_to_another_host_is_noticed_and_stopped(browser, report):
    visit = Visit(browser)
    visit.expect("ERR_FAILED")
    page = visit(report(f"<img src='{NO_HOST}/a.png' onerror='document.title = 1'>"))
    page.wait_for_function("document.title == '1'")
    with pytest.raises(AssertionError, match=NO_HOST):
        visit.close()
    assert visit.strangers == [f"{NO_HOST}/a.png"]
