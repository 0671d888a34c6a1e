"""What benchmarks write with --out, and the tables that pages make of it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import results

ROOT = Path(__file__).parents[2]
PAGES = sorted(results.FOLDER.glob("*.md"))
LINE = {
    "benchmark": "benchmarks.made_up",
    "table": "Speed",
    "row": {"what": "bulk", "samples/s": [1200.0, 1000.0, 1100.0], "lost, %": 12.345},
    "command": "python -m benchmarks.made_up",
    "date": "2026-01-02",
    "commit": "abc1234",
    "machine": {"cores": 2, "processor": "Some", "instruction_sets": ["avx2"], "memory_gib": 23.6},
    "versions": {"python": "3.11.2", "numpy": "2.0"},
}


def run(out: Path, *arguments: str, rows=(("Speed", {"what": "bulk", "samples/s": [1.5, 2.5]}),)) -> results.Parser:
    """A benchmark with one option."""
    parser = results.Parser("benchmarks.made_up", "Measures nothing.")
    parser.add_argument("--rounds", type=int, default=2)
    parser.options([*arguments, "--out", str(out)])
    with parser.results() as taken:
        for table, row in rows:
            taken.row(table, row)
    return parser


def write(path: Path, *lines: dict) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_of_a_page_are_what_its_lines_make(page):
    assert results.page(page.read_text()) == page.read_text(), "run: python -m benchmarks.results"


def test_every_file_of_lines_is_on_a_page():
    named = {name for page in PAGES for _, name, _, _ in results.MARKED.findall(page.read_text())}
    assert {path.name for path in results.FOLDER.glob("*.jsonl")} == named != set()


def test_kept_lines_come_from_a_commit_and_name_no_folder_of_somebodys_machine():
    for path in results.FOLDER.glob("*.jsonl"):
        for line in results.read(path):
            assert re.fullmatch(r"[0-9a-f]{7,40}", line["commit"]), f"{path.name}: measure what is committed"
            assert not re.search(r"(^|[ =])[/~]", line["command"]), f"{path.name}: relative paths only"


def test_what_was_measured_before_changes_no_measurement(tmp_path, monkeypatch):
    def git(*arguments):
        names = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
        subprocess.run(["git", "-C", tmp_path, *names, *arguments], check=True, capture_output=True)

    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    lines, code = tmp_path / "benchmarks" / "results" / "a.jsonl", tmp_path / "benchmarks" / "a.py"
    lines.write_text("1")
    code.write_text("1")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "all")
    monkeypatch.setattr(results, "ROOT", tmp_path)
    clean = results.commit()
    assert re.fullmatch("[0-9a-f]{7,40}", clean)
    lines.write_text("2")
    assert results.commit() == clean
    code.write_text("2")
    assert results.commit() == f"{clean}-dirty"


def test_a_row_is_kept_with_all_that_it_depends_on(tmp_path):
    run(tmp_path / "a.jsonl", "--rounds", "3")
    (line,) = results.read(tmp_path / "a.jsonl")
    assert line["row"] == {"what": "bulk", "samples/s": [1.5, 2.5]}
    assert (line["benchmark"], line["table"]) == ("benchmarks.made_up", "Speed")
    assert line["command"] == "python -m benchmarks.made_up --rounds 3"
    assert line["machine"]["cores"] >= 1
    assert line["machine"]["memory_gib"] > 0
    assert line["versions"]["python"] == sys.version.split()[0]
    assert {"numpy", "grpcio"} <= set(line["versions"])
    assert set(line) == set(LINE)


def test_a_run_replaces_the_lines_of_its_command_and_no_others(tmp_path):
    out = tmp_path / "a.jsonl"
    run(out, "--rounds", "1")
    run(out, "--rounds", "2")
    run(out, "--rounds", "1", rows=[("Speed", {"what": "anew", "samples/s": 7})])
    assert [(line["command"][-1], line["row"]["what"]) for line in results.read(out)] == [("2", "bulk"), ("1", "anew")]


def test_a_run_that_fails_leaves_the_lines_as_they_were(tmp_path):
    out = tmp_path / "a.jsonl"
    run(out)
    before = out.read_text()
    parser = results.Parser("benchmarks.made_up", "")
    parser.options(["--out", str(out)])
    with pytest.raises(TypeError), parser.results() as taken:
        taken.row("Speed", {"what": object()})
    assert out.read_text() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file or directory"), ("{}\n", "line 1 is not what a benchmark wrote"), ("no", "line 1 is not")],
)
def test_what_cannot_be_written_to_is_refused_before_anything_is_measured(tmp_path, capsys, content, message):
    out = tmp_path / ("missing/a.jsonl" if content is None else "a.jsonl")
    if content is not None:
        out.write_text(content)
    with pytest.raises(SystemExit):
        results.Parser("benchmarks.made_up", "").options(["--out", str(out)])
    assert f"error: --out {out}: " in (told := capsys.readouterr().err)
    assert message in told
    if content is not None:
        assert out.read_text() == content


def test_rows_are_printed_as_they_come_one_head_a_table(capsys):
    taken = results.Results()
    taken.row("Speed", {"what": "bulk", "samples/s": 12345})
    taken.row("Speed", {"what": "one"})
    taken.row("Memory", {"MiB": 12.345})
    assert capsys.readouterr().out.splitlines() == [
        *("", "Speed", "", f"| {'what':40} | samples/s |", f"| {40 * '-'} | --------- |"),
        *(f"| {'bulk':40} | 12,345    |", f"| {'one':40} |           |"),
        *("", "Memory", "", "| MiB  |", "| ---- |", "| 12.3 |"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("calls", 12345, "12,345"),
        ("ms", 0.012345, "0.0123"),
        ("ms", 123.45, "123"),
        ("lost, %", 0.049, "0.0"),
        ("lost, %", [10.0, 30.0, 20.04], "20.0 (10.0 to 30.0)"),
        ("ms", [5.0], "5"),
        ("ms", [], ""),
        ("ms", None, ""),
        ("why", "a | b", "a \\| b"),
    ],
)
def test_a_cell_has_the_digits_that_people_read(column, value, shown):
    assert results.cell(column, value) == shown


def test_a_page_shows_the_lines_that_it_names_and_keeps_the_rest(tmp_path):
    other = LINE | {"table": "Memory", "row": {"MiB": 7}}
    more = LINE | {"row": {"what": "one", "note": "alone"}, "command": "python -m benchmarks.made_up --rounds 3"}
    write(tmp_path / "a.jsonl", LINE, other, more)
    text = "# Ours\n\n<!-- made of a.jsonl: Speed -->\nold\n<!-- end -->\n\nAfter.\n"
    made = results.page(text, tmp_path)
    assert made.splitlines() == [
        *("# Ours", "", "<!-- made of a.jsonl: Speed -->", ""),
        *("    python -m benchmarks.made_up", "    python -m benchmarks.made_up --rounds 3", ""),
        "2026-01-02, commit abc1234; 2 cores (Some, avx2), 24 GiB; python 3.11.2, numpy 2.0.",
        *("", "| what | samples/s | lost, % | note |", "|---|---|---|---|"),
        *("| bulk | 1,100 (1,000 to 1,200) | 12.3 |  |", "| one |  |  | alone |"),
        *("", "<!-- end -->", "", "After."),
    ]
    assert results.page(made, tmp_path) == made
    both = results.page("<!-- made of a.jsonl -->\n<!-- end -->\n", tmp_path)
    assert both.count("Speed:") == both.count("Memory:") == 1


@pytest.mark.parametrize("name", ["gone.jsonl", "a.jsonl: Gone"])
def test_a_page_that_names_lines_that_are_not_there_is_refused(tmp_path, name):
    write(tmp_path / "a.jsonl", LINE)
    with pytest.raises(ValueError, match="there are no such lines"):
        results.page(f"<!-- made of {name} -->\n<!-- end -->\n", tmp_path)


TABLES = {
    *(
        "browse",
        "faults",
        "fleet",
        "fleet.costs",
        "fleet.readers",
        "fleet.simulation",
        "fleet.threshold",
        "loaders",
        "peers",
    ),
    *(
        "quality",
        "quality.few",
        "quality.scarce",
        "quality.scarce_rows",
        "quality.selection",
        "quality.training_speed",
        "quality.watchdog",
        "serving",
        "serving.gpu",
        "serving.transform",
        "sounds",
        "tables",
        "tables.scale",
        "tables.trials",
        "texts",
        "music",
        "texts.graph",
        "transform",
    ),
}


def test_no_benchmark_prints_a_table_by_itself():
    """Those that have a command line either take rows, or are listed here with what they print instead."""
    without = {"demo", "image", "quality.blood_cells", "quality.spoken_digits", "tables.cell", "tables.peers.program"}
    found = set()
    for path in (ROOT / "benchmarks").rglob("*.py"):
        text = path.read_text()
        if "argparse.ArgumentParser(" in text or "results.Parser(" in text:
            name = ".".join(path.relative_to(ROOT / "benchmarks").with_suffix("").parts).removesuffix(".__main__")
            found.add(name)
            if name in TABLES:
                assert f'results.Parser("benchmarks.{name}", __doc__)' in text
    assert found - {"results"} == TABLES | without
