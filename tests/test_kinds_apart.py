"""A kind of data is known to its own folder and to the tables of kinds, and to nothing else."""

import ast

import pytest

from tests.test_architecture import ROOT, sources

# What draws or takes pictures, whatever the kind; that a kind has some, its table says.
CLIENT_PICTURES = [
    *(
        "client/augmint/sheet.py",
        "client/augmint/fonts.py",
        "client/augmint/lettering.py",
        "client/augmint/commands.py",
    ),
    *("client/augmint/torch/tensors.py", "client/augmint/torch/form.py"),
    *("client/augmint/formats.py", "client/augmint/extras.py"),
]


@pytest.mark.parametrize(
    ("folder", "places"),
    [
        ("service", ["service/artifact/kinds.py"]),
        ("training", ["training/kinds/"]),
        ("client/augmint", ["client/augmint/kinds/", *CLIENT_PICTURES]),
    ],
)
def test_images_are_known_to_their_kind_only(folder, places):
    users = set()
    for path in sources(folder):
        for node in ast.walk(ast.parse(path.read_text())):
            told = {getattr(node, "attr", ""), getattr(node, "id", ""), str(getattr(node, "value", ""))}
            if told & {"image", "ImageSpec", "PIL", "ColorSpace"}:
                users.add(path.relative_to(ROOT).as_posix())
    assert {user for user in users if not user.startswith(tuple(places))} == set()
    assert users


def test_rows_of_tables_are_known_to_their_kind_only():
    users = {
        path.relative_to(ROOT).as_posix()
        for path in sources("client/augmint")
        for node in ast.walk(ast.parse(path.read_text()))
        if {getattr(node, "attr", ""), getattr(node, "id", "")} & {"TableSpec", "ColumnSpec", "ColumnUnit"}
    }
    assert {user for user in users if not user.startswith("client/augmint/kinds/")} == set()
    assert users
