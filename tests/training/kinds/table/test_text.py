"""Files of cells in any usual form: packed, encoded, separated, with a head."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from training.data.errors import DataError
from training.data.reading import Claim
from training.kinds.table import chunks, sources, text
from training.kinds.table.reader import look

HEAD = ("name", "age", "kind")
LINES = [("Ann", "3", "a"), ("Bob, the", "4", "b"), ("Zoë", "5", "a")]


def rows(path: Path) -> list[tuple[str, ...]]:
    file = chunks.open_file(path)
    return [tuple(row.values()) for batch in file.chunks() for row in batch.to_pylist()]


def cells(separator: str) -> str:
    return "\n".join(
        separator.join(f'"{cell}"' if separator in cell else cell for cell in line) for line in [HEAD, *LINES]
    )


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_usual_separator_is_found(separator: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(cells(separator))
    assert (chunks.open_file(path).names, rows(path)) == (HEAD, LINES)


def test_the_line_by_which_excel_names_the_separator_is_no_head(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("sep=;\n" + cells(";"))
    assert (chunks.open_file(path).names, rows(path)) == (HEAD, LINES)


def test_a_file_that_ends_within_a_character_of_utf8_is_of_another_encoding(tmp_path: Path) -> None:
    content = "number,word\n1,caf\xe9".encode("cp1252")
    assert text.encoding_of(tmp_path, content, whole=True) == "cp1252"
    assert text.encoding_of(tmp_path, content, whole=False) == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_encodings_are_told_apart(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(cells(",").encode(encoding))
    assert rows(path) == LINES
    notes = " ".join(chunks.open_file(path).notes)
    assert ("is 'Zoë' written rightly" in notes) == (encoding in ("cp1252", "latin-1"))


def test_text_that_is_utf8_only_at_its_beginning_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_SAMPLE", 64)
    path = tmp_path / "rows.csv"
    lines = [f"{number % 5},{'plain' if number % 2 else 'other'},{'ab'[number % 2]}" for number in range(40)]
    path.write_bytes("\n".join(["number,word,label", *lines, "3,Müller,a"]).encode("cp1252"))
    found = look(str(path))
    column = next(each.column for each in found.decisions if each.name == "word")
    assert column is not None
    assert column.categories == ("Müller", "other", "plain")


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zip", ""])
def test_packed_files_are_read_whatever_they_are_called(ending: str, tmp_path: Path) -> None:
    content = cells(",").encode()
    path = tmp_path / f"rows.csv{ending}"
    if ending == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("__MACOSX/._rows.csv", "x")
            archive.writestr("rows.csv", content)
    else:
        pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, "": bytes}[ending]
        path.write_bytes(pack(content))
    assert rows(path) == LINES
    path.rename(tmp_path / "other.csv")
    assert rows(tmp_path / "other.csv") == LINES


def test_an_archive_of_several_tables_is_refused_by_their_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a.csv", "x,y\n1,2")
        archive.writestr("b.csv", "x,y\n1,2")
    with pytest.raises(DataError, match=r"all\.zip: holds 'a\.csv' and 'b\.csv'; wanted one table"):
        text.opened(tmp_path / "all.zip")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a,b,a\n1,2,3\n", "columns 1 and 3 are both called 'a'; each needs a name of its own"),
        ("39,Private,60\n50,Private,13\n38,Local,40\n", "has no head: its first line, '39', 'Private' and '60', looks"),
        ("1.5,2.5\n3.5,4.5\n", "has no head: its first line, '1.5' and '2.5', looks like a row"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 cells, the head has 2; put quotes around cells that hold ','"),
        ("a,b\n1,2\n\n1\n", "line 4 has 1 cells, the head has 2"),
        (
            "# exported 2024\na,b\n1,2\n3,4\n",
            "its first line, '# exported 2024', is no head, as the lines below have 2",
        ),
        ("a\0,b\n1,2\n", "holds NUL characters; it is no text"),
        ("a,b\n1,2\n", "has no rows"),
        (
            "a  b c\n" + " 1 2  3\n" * 9,
            "its cells seem to be separated by blanks; write tabs instead: sed 's/^ *//; s/",
        ),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(content: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(content if sentence != "has no rows" else "a,b\n")
    with pytest.raises(DataError, match=f"^{path}: .*") as error:
        look(str(path), label="a")
    assert sentence in str(error.value)


def test_a_quote_that_is_never_closed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_BLOCK", 256)
    path = tmp_path / "rows.csv"
    path.write_text('a,b\n1,2\n1,"open\n' + "1,2\n" * 500)
    with pytest.raises(DataError, match="quotes around cells must be closed"):
        look(str(path), label="a")


@pytest.mark.parametrize("head", ["0,1,label", "1,2,label", "2019,2020,label", "0,1,2"])
def test_numbers_may_be_names_of_columns(head: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(head + "\n" + "5,6,1\n7,8,0\n" * 10)
    assert chunks.open_file(path).names == tuple(head.split(","))


def test_a_column_without_a_name_is_called_as_pandas_calls_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(",age,label\n0,5,a\n1,6,b\n")
    assert chunks.open_file(path).names == ("Unnamed: 0", "age", "label")


def test_cells_may_hold_line_ends_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('a,b\n"two\nlines","say ""x"""\n1,2\n')
    assert rows(path) == [("two\nlines", 'say "x"'), ("1", "2")]


def test_an_archive_that_is_one_table_is_one_whatever_it_is_called(tmp_path: Path) -> None:
    """Kaggle's archive.zip."""
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/", "")
        archive.writestr("data/rows.csv", cells(","))
        archive.writestr("__MACOSX/data/._rows.csv", "x")
    assert sources.reads(str(path)) == Claim.LIKELY
    assert rows(path) == LINES
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("images/1.png", b"")
    assert sources.reads(str(path)) == Claim.NONE
    path.write_bytes(b"PK\x03\x04 cut off")
    assert sources.reads(str(path)) == Claim.NONE


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_cells_of_blanks_are_missing_whatever_the_file_says(ending: str, tmp_path: Path) -> None:
    """Telco Churn has them in TotalCharges, and pandas hands them on."""
    path = tmp_path / f"rows.{ending}"
    charges = [" " if n % 10 == 0 else f"{n}.5" for n in range(60)]
    table = pa.table({"charges": charges, "label": ["xy"[n % 2] for n in range(60)]})
    if ending == "parquet":
        pq.write_table(table, path)
    elif ending == "json":
        path.write_text(json.dumps(table.to_pylist()))
    else:
        path.write_text(
            "charges,label\n" + "".join(f"{a},{b}\n" for a, b in zip(*table.to_pydict().values(), strict=True))
        )
    (found,) = look(str(path)).decisions
    assert (str(found.type), found.absent) == ("number", 6)
