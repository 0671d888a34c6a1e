"""How soon does `augmint browse` show a picture, and what does it keep in memory?

    python -m benchmarks.browse [--rounds 20] [--pages 50]                  # about a minute
    python -m benchmarks.browse --screenshot docs/images/browse.png         # only the picture for the README

The service with the generators of models/, the page and Chromium, all on this machine. A click is timed in the browser,
from the click to the frame in which the first picture of the new page is painted, and to the one with all of them. Then
pages are turned, and the memory of all three is read, after garbage was collected in the browser.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import results
from tests.processes import Service

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "models"
WARM = 5

# Resolves to milliseconds from a click on what a selector finds to a painted first picture, and to all of them.
CLICK = """selector => new Promise(done => {
    const before = document.querySelector("#main"), begun = performance.now(), found = {};
    const painted = name => requestAnimationFrame(() => setTimeout(() => {
        found[name] = performance.now() - begun;
        if ("first" in found && "all" in found) done(found);
    }));
    const look = () => {
        const main = document.querySelector("#main"), images = [...main.querySelectorAll(".tile img")];
        const seen = images.filter(one => one.complete && one.naturalWidth);
        if (main !== before && seen.length && !look.first) { look.first = true; painted("first"); }
        if (main !== before && seen.length && seen.length === images.length) return painted("all");
        requestAnimationFrame(look);
    };
    document.querySelector(selector).click();
    look();
})"""


def main() -> int:
    parser = results.Parser("benchmarks.browse", __doc__)
    parser.add_argument("--rounds", type=int, default=20, help="clicks of each kind")
    parser.add_argument("--pages", type=int, default=50, help="pages turned while memory is watched")
    parser.add_argument(
        "--screenshot", type=Path, metavar="FILE.png", help="write a picture of the page, and nothing else"
    )
    options = parser.options()
    with Service(MODELS) as service, paged(service.target) as (page, site), browser() as chromium:
        if options.screenshot:
            screenshot(chromium, site, options.screenshot)
            return 0
        with parser.results() as out:
            for row in clicks(chromium, site, options.rounds):
                out.row("From the click to the picture", row)
            servers = {"augmint browse": page.pid, "service": service.process.pid}
            for row in memory(chromium, site, servers, options.pages):
                out.row(f"{options.pages} pages turned", row)
    return 0


@contextmanager
def paged(target: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`augmint browse` of a service: its process and its address."""
    command = [sys.executable, "-m", "augmint", "browse", target, "--no-open", "--port", "0"]
    path = os.pathsep.join([str(ROOT / "client"), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}) as page:
        try:
            assert page.stdout is not None
            line = page.stdout.readline()
            yield page, next(word for word in line.split() if word.startswith("http://")).rstrip("/")
        finally:
            page.terminate()


@contextmanager
def browser() -> Iterator[Any]:
    """The Chromium that tests use."""
    from playwright.sync_api import sync_playwright

    from tests.browser import FLAGS
    from tests.k8s.tools import tool

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=tool("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


def clicks(chromium: Any, site: str, rounds: int) -> Iterator[dict[str, Any]]:
    """Times of clicks that lead to pictures."""
    page = chromium.new_page()
    for name, begin, selector in (
        ("from the list to all classes (100 pictures)", "/", "article a[href='/g/fashion-mnist/1']"),
        ("next page (100 pictures)", "/g/fashion-mnist/1", "#after"),
        ("next page of one class (48 pictures)", "/g/fashion-mnist/1?label=sneaker", "#after"),
        ("another seed (100 pictures)", "/g/fashion-mnist/1", "#another"),
    ):
        times: list[dict[str, float]] = []
        for _ in range(rounds + 1):
            page.goto(f"{site}{begin}")
            times.append(page.evaluate(CLICK, selector))
        yield {
            "click": name,
            "first picture, ms": [one["first"] for one in times[1:]],
            "all pictures, ms": [one["all"] for one in times[1:]],
        }
    page.close()


def memory(chromium: Any, site: str, servers: Mapping[str, int], pages: int) -> Iterator[dict[str, Any]]:
    """Memory of the browser's page and of processes, before and after pages are turned."""
    page = chromium.new_page()
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")

    def kept() -> dict[str, float]:
        tools.send("HeapProfiler.collectGarbage")
        told = {one["name"]: one["value"] for one in tools.send("Performance.getMetrics")["metrics"]}
        return {
            "browser: heap, MiB": told["JSHeapUsedSize"] / 2**20,
            "browser: nodes, thousands": told["Nodes"] / 1000,
            **{f"{name}: resident, MiB": resident(process) for name, process in servers.items()},
        }

    def turn(count: int) -> None:
        for _ in range(count):
            page.evaluate(CLICK, "#after")

    page.goto(f"{site}/g/fashion-mnist/1")
    turn(WARM)
    first = kept()
    turn(pages // 2)
    middle = kept()
    turn(pages - pages // 2)
    last = kept()
    for name in first:
        yield {"memory": name, "at first": first[name], "half way": middle[name], "at the end": last[name]}
    page.close()


def resident(process: int) -> float:
    """MiB of a process."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def screenshot(chromium: Any, site: str, path: Path) -> None:
    """The page of all classes, in few colours: a small file."""
    from PIL import Image

    page = chromium.new_page(viewport={"width": 1200, "height": 780}, color_scheme="light")
    page.goto(f"{site}/g/fashion-mnist/1?seed=7")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=str(path))
    Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
