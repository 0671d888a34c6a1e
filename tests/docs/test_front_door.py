"""README.md and the pages behind it: every link leads somewhere, and the commands that README shows are understood."""

import re
import shlex
from pathlib import Path

import pytest

from augmint.arguments import parser

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / name for name in ("README.md", "CHANGELOG.md", "client/README.md", "k8s/augmint/README.md")]
PAGES += [
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "benchmarks/RESULTS.md",
    *sorted((ROOT / "benchmarks/results").glob("*.md")),
]


def without_code(text):
    return re.sub(r"^```.*?^```$|`[^`\n]+`", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text):
    """What GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def faults(page):
    """Links of a page that lead nowhere; those to other sites are not tried."""
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    assert faults(page) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n[a](#here) [b](#there) [c](gone.md) [d](page.md#here) [e](https://example.org) `[f](x.md)`\n"
    )
    assert faults(page) == ["#there", "gone.md"]


def test_every_make_target_exists():
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "test", "serve"} <= named
    assert named <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_command_of_the_client_is_understood():
    commands = re.findall(r"^    augmint (.+)$", README, re.MULTILINE)
    assert {command.split()[0] for command in commands} == {"list", "generate", "export", "browse"}
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True))
