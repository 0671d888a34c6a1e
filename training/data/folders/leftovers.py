"""What lies in a folder and is not read: counted, and asked about where it may be meant."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath

from training.data.folders.arrangement import Layout
from training.data.folders.tree import Parts, Tree
from training.data.question import Question
from training.data.wording import counted, listed

# Kinds of files that are counted by class; of more, by ending only.
_MOST_KINDS = 12


def ending_of(parts: Parts) -> str:
    """In lower case, with the dot; "unnamed-kind" if it has none."""
    return PurePath(parts[-1]).suffix.lower() or "unnamed-kind"


def unread_in(tree: Tree) -> str:
    """Files whose endings are of samples that are not read: "2 .heic and 1 .svg"; "" if there are none."""
    unread = Counter(ending_of(parts) for parts in tree.files if ending_of(parts) in tree.sought.unread)
    return " and ".join(f"{count:,} {ending}" for ending, count in sorted(unread.items()))


def say_left_out(layout: Layout, tree: Tree, base: Parts) -> None:
    """Count what is no sample by class and ending; ask about what may be a sample all the same."""
    depth = len(base)

    def place(parts: Parts) -> str:
        inside = parts[depth:-1]
        return f" in '{'/'.join(inside[:2])}'" if inside and parts[:depth] == base else ""

    kinds = Counter((ending_of(parts), place(parts)) for parts in tree.files if tree.path(parts) not in layout.used)
    if len(kinds) > _MOST_KINDS:
        endings: Counter[str] = Counter()
        for (ending, _), count in kinds.items():
            endings[ending] += count
        kinds = Counter({(ending, ""): count for ending, count in endings.items()})
    for (ending, where), count in sorted(kinds.items()):
        layout.skipped[f"{ending} files{where}"] += count
    for what, count in sorted(tree.left.items()):
        layout.skipped[what] += count
    for where, count in sorted(Counter(map(place, tree.dead)).items()):
        layout.skipped[f"dead links{where}"] += count
    if unread := unread_in(tree):
        layout.questions.append(Question(f"{unread} files are not read.", tree.sought.advice))
    if dead := [parts for parts in tree.dead if ending_of(parts) in tree.sought.suffixes]:
        folders = listed(sorted({"/".join(parts[:-1]) or "." for parts in dead}), 4)
        layout.questions.append(
            Question(
                f"{counted(len(dead), tree.sought.noun)} in {folders} are links whose targets are gone.",
                "Fetch the files (git annex get, dvc pull, a disk that is not mounted), or remove the links.",
            )
        )
