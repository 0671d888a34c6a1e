"""columns.toml: what every column of a table is, written for a person to change and read again."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.data.errors import DataError
from training.data.nearby import hint
from training.data.wording import listed
from training.kinds.table.cells import Numbers, Parser, Truth
from training.kinds.table.columns import Column, Unit
from training.kinds.table.dates import Dates
from training.kinds.table.decision import Decision, Type, Wanted

_KEYS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "type": (str,),
    "categories": (list,),
    "offset": (int, float),
    "decimals": (int,),
    "format": (str,),
    "decimal": (str,),
    "sign": (str,),
    "missing": (list,),
}
_NUMERIC = (Type.NUMBER, Type.WHOLE)
_DATED = (Type.DATE, Type.MOMENT)
# Which types a key is for; the others are for all.
_FOR: dict[str, tuple[Type, ...]] = {
    "categories": (Type.CATEGORY,),
    "offset": (*_NUMERIC, Type.MOMENT),
    "decimals": (Type.NUMBER,),
    "decimal": _NUMERIC,
    "sign": _NUMERIC,
    "format": _DATED,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted of each column, in this order; label: of the labels, None: not said. source: for messages."""

    columns: Mapping[str, Wanted] = field(default_factory=dict)
    label: str | None = None
    source: str = ""


def of_columns(columns: Iterable[Column], label: str, source: str) -> Plan:
    """The plan by which data are read again for a generator with these columns."""
    wanted = {}
    for each in columns:
        offset = each.offset if _of_column(each) in _FOR["offset"] else None
        wanted[each.name] = Wanted(
            each.name,
            _of_column(each),
            each.categories or None,
            offset=offset,
            decimals=each.decimals,
            place=source,
        )
    return Plan(wanted, label, source)


def merged(plan: Plan, asked: Plan) -> Plan:
    """A generator's plan with what a person says of how to read its columns."""
    columns = {}
    for name, wanted in plan.columns.items():
        own = asked.columns.get(name, Wanted(name))
        columns[name] = Wanted(
            *(name, wanted.type, wanted.categories, wanted.offset, wanted.decimals),
            *(own.format, own.decimal, own.sign, own.missing, wanted.place),
        )
    return Plan(columns, plan.label, plan.source)


def parser_of(wanted: Wanted) -> Parser | None:
    """The one way in which a person wants a column read; None: in any that is of its type."""
    if wanted.type is Type.TRUTH:
        return Truth(wide=True)
    if wanted.format is not None:
        return Dates(wanted.format)
    if wanted.decimal is not None or wanted.sign is not None:
        return Numbers(wanted.decimal or ".", wanted.sign or "")
    return None


def _of_column(column: Column) -> Type:
    if column.categories:
        return Type.CATEGORY
    if column.unit is Unit.TRUTH:
        return Type.TRUTH
    if column.unit is Unit.DAYS:
        return Type.DATE if column.whole else Type.MOMENT
    return Type.WHOLE if column.whole else Type.NUMBER


# -- writing -----------------------------------------------------------------------------------------------


def written(decisions: Iterable[Decision], label: str, source: str) -> str:
    """The text of columns.toml, by which the same data are read in the same way."""
    types = ", ".join(f'"{each}"' for each in Type)
    lines = [
        f"# The columns of {_comment(source)}. Change what is wrong, and give this file to fit by --columns.",
        f"# type is one of {types}.",
        '# Categories that are not listed go to "(other)", if that is; missing = [...] names what else means nothing.',
        "",
        f"label = {_quoted(label)}",
    ]
    for each in decisions:
        lines += ["", "[[column]]", f"name = {_quoted(each.name)}"]
        lines.append(f"type = {_quoted(each.type)} # {_comment(each.reason)}")
        lines += [f"{key} = {value}" for key, value in _details(each).items()]
    return "\n".join(lines) + "\n"


def _details(decision: Decision) -> dict[str, str]:
    found: dict[str, str] = {}
    column, parser = decision.column, decision.parser
    if column is None:
        return found
    if column.categories:
        found["categories"] = _several(column.categories)
    if decision.type in _FOR["offset"] and column.offset:
        found["offset"] = repr(column.offset)
    if column.decimals is not None and decision.type is Type.NUMBER:
        found["decimals"] = str(column.decimals)
    if isinstance(parser, Dates) and parser.format:
        found["format"] = _quoted(parser.format)
    if isinstance(parser, Numbers) and parser != Numbers():
        found["decimal"], found["sign"] = _quoted(parser.decimal), _quoted(parser.sign)
    if decision.wanted and decision.wanted.missing:
        found["missing"] = _several(decision.wanted.missing)
    return found


def _several(words: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, words))}]"


def _quoted(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)


# -- reading -----------------------------------------------------------------------------------------------


def read(path: Path) -> Plan:
    """Raises DataError with the line of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file{hint(path)}; `training columns DATA` writes one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: {error}") from error
    lines = _Lines(path, text)
    if strange := [key for key in content if key not in ("label", "column")]:
        raise lines.fault(None, strange[0], f"{strange[0]!r} is not known; wanted label and [[column]]")
    label, columns = content.get("label"), content.get("column", [])
    if not isinstance(label, str | None):
        raise lines.fault(None, "label", "label is the name of a column, in quotes")
    if not isinstance(columns, list) or not all(isinstance(each, dict) for each in columns):
        raise lines.fault(None, "column", "wanted [[column]] above each column, in two brackets")
    found: dict[str, Wanted] = {}
    for number, each in enumerate(columns):
        wanted = _wanted(each, number, lines)
        if wanted.name in found:
            raise lines.fault(number, "name", f"{wanted.name!r} is there twice")
        found[wanted.name] = wanted
    if not found:
        raise DataError(f"{path}: has no [[column]]")
    return Plan(found, label, str(path))


def _wanted(each: dict[str, Any], number: int, lines: _Lines) -> Wanted:
    for key, value in each.items():
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, 1)
            raise lines.fault(number, key, f"{key!r} is not known{f'; did you mean {near[0]!r}?' if near else ''}")
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            right = {str: "text in quotes", list: "a list of texts", int: "a number"}[_KEYS[key][0]]
            raise lines.fault(number, key, f"{key} is {right}")
        if isinstance(value, list) and not all(isinstance(word, str) for word in value):
            raise lines.fault(number, key, f"{key} is a list of texts, each in quotes")
    if "name" not in each:
        raise lines.fault(number, None, "a column without name")
    kind = None
    if "type" in each:
        try:
            kind = Type(each["type"])
        except ValueError:
            raise lines.fault(number, "type", f"type {each['type']!r} is none of {listed(Type)}") from None
    for key, types in _FOR.items():
        if key in each and kind is not None and kind not in types:
            raise lines.fault(number, key, f"{key} is for {listed(types)}, not for '{kind}'")
        if key in each and kind is None:
            raise lines.fault(number, key, f"{key} needs a type: {listed(types)}")
    if each.get("decimal", ".") not in (".", ","):
        raise lines.fault(number, "decimal", "decimal is '.' or ','")
    if not 0 <= each.get("decimals", 0) <= 9:
        raise lines.fault(number, "decimals", "decimals are from 0 to 9")
    categories = each.get("categories")
    if categories is not None and (not categories or len(set(categories)) < len(categories)):
        raise lines.fault(number, "categories", "categories must be there, each once")
    return Wanted(
        each["name"],
        kind,
        None if categories is None else tuple(categories),
        float(each["offset"]) if "offset" in each else None,
        each.get("decimals"),
        *(each.get("format"), each.get("decimal"), each.get("sign")),
        tuple(each.get("missing", ())),
        lines.place(number, "type"),
    )


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where in a file what is said of a column stands."""

    path: Path
    text: str

    def fault(self, number: int | None, key: str | None, message: str) -> DataError:
        return DataError(f"{self.place(number, key)}: {message}")

    def place(self, number: int | None, key: str | None) -> str:
        """number: of the column, None: outside of them."""
        column, start = -1, None
        for line, words in enumerate(self.text.splitlines(), 1):
            if re.match(r"\s*\[\[\s*column\s*\]\]", words):
                column += 1
                start = line if column == number else start
            elif column == (-1 if number is None else number) and key is not None and _names(words, key):
                return f"{self.path}, line {line}"
        return f"{self.path}, line {start}" if start else str(self.path)


def _names(words: str, key: str) -> bool:
    return re.match(rf"\s*(\[\s*)?(\"|')?{re.escape(key)}(\"|')?\s*[=\]]", words) is not None
