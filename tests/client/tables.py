"""Generators of tables without training: a fake by NumPy, a real file by a graph of a few operators, random schemas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import helper

from augmint.v1 import generator_pb2 as pb
from tests import generators
from tests.client.fakes import FakeService

CATEGORIES = ("Private", "State-gov", "Self-emp, inc")
SPEC = pb.TableSpec(
    columns=[
        pb.ColumnSpec(name="job", categories=CATEGORIES, missing=True),
        pb.ColumnSpec(name="age", integer=True, minimum=-20, maximum=50, offset=40),
        pb.ColumnSpec(name="children", integer=True, missing=True, minimum=0, maximum=9),
        pb.ColumnSpec(name="amount", minimum=-1000, maximum=1000, decimals=2),
        pb.ColumnSpec(name="account", integer=True, minimum=-1000, maximum=1000, offset=2**40 + 1),
        pb.ColumnSpec(name="since", integer=True, minimum=-4000, maximum=4000, offset=18000, unit=pb.COLUMN_UNIT_DAYS),
        pb.ColumnSpec(name="seen", missing=True, minimum=0, maximum=3000, offset=17000.5, unit=pb.COLUMN_UNIT_DAYS),
        pb.ColumnSpec(name="owner", minimum=0, maximum=1, unit=pb.COLUMN_UNIT_TRUTH),
        pb.ColumnSpec(name="insured", missing=True, unit=pb.COLUMN_UNIT_TRUTH),
    ],
    label="income",
)
LABELS = ("<=50K", ">50K")


def raw(table: pb.TableSpec, unit: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """float32 [n, columns]: rows that the contract allows. unit: in [0, 1); gone: bool, missing if it may be."""
    rows = np.empty(unit.shape, np.float32)
    for number, column in enumerate(table.columns):
        low = column.minimum if column.HasField("minimum") else -100.0
        high = column.maximum if column.HasField("maximum") else 100.0
        if column.categories:
            values = np.floor(unit[:, number] * len(column.categories))
        elif column.unit == pb.COLUMN_UNIT_TRUTH:
            values = np.floor(unit[:, number] * 2)
        else:
            values = low + unit[:, number] * (high - low)
            values = np.floor(values) if column.integer else values
        rows[:, number] = np.where(gone[:, number] & column.missing, np.nan, values)
    return rows


class TableService(FakeService):
    """The fake, with rows of a table."""

    def __init__(self, table: pb.TableSpec = SPEC, labels: tuple[str, ...] = LABELS) -> None:
        super().__init__(max_samples=4096, preferred=512, labels=labels)
        self.sample = pb.SampleSpec(shape=[len(table.columns)], dtype=pb.DATA_TYPE_FLOAT32, table=table)

    def expected(self, seed, indices, classes, truncation=1, version=0):
        table, count = self.sample.table, len(self.sample.table.columns)
        with np.errstate(over="ignore"):
            key = np.asarray(indices, np.uint64) * np.uint64(1_000_003) + np.asarray(classes, np.uint64)
            mixed = (key[:, None] + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(29))) + np.arange(2 * count, dtype=np.uint64)
            mixed = (mixed * np.uint64(0xBF58476D1CE4E5B9)) ^ (mixed >> np.uint64(32))
            mixed *= np.uint64(0x94D049BB133111EB)
        unit = (mixed >> np.uint64(40)).astype(np.float64) / 2**24
        return raw(table, unit[:, :count], unit[:, count:] < 0.2)


def sample_of(table: pb.TableSpec) -> pb.SampleSpec:
    return pb.SampleSpec(shape=[len(table.columns)], dtype=pb.DATA_TYPE_FLOAT32, table=table)


def network(table: pb.TableSpec, classes: int) -> onnx.ModelProto:
    """latent float32 [n, 2 x columns], label int64 [n] -> rows float32 [n, columns] that keep the table's rules."""
    low, high, whole, rare = [], [], [], []
    for column in table.columns:
        truth = column.unit == pb.COLUMN_UNIT_TRUTH
        top = len(column.categories) - 1 if column.categories else 1 if truth else column.maximum
        low.append(0 if column.categories or truth else column.minimum)
        high.append(top)
        whole.append(bool(column.categories) or truth or column.integer)
        rare.append(1.0 if column.missing else np.inf)
    bounds = np.array([low, high], np.float32)
    shift = bounds.mean(0) + np.linspace(-0.2, 0.2, classes)[:, None] * (bounds[1] - bounds[0])
    constants = {
        "shift": shift.astype(np.float32),
        "scale": (bounds[1] - bounds[0]) / 4,
        "low": bounds[0],
        "high": bounds[1],
        "whole": np.array(whole),
        "rare": np.array(rare, np.float32),
        "gap": np.array(np.nan, np.float32),
    }
    nodes = [
        helper.make_node("Split", ["latent"], ["drawn", "luck"], axis=1, num_outputs=2),
        helper.make_node("Gather", ["shift", "label"], ["middle"]),
        helper.make_node("Mul", ["drawn", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "middle"], ["moved"]),
        helper.make_node("Max", ["moved", "low"], ["above"]),
        helper.make_node("Min", ["above", "high"], ["inside"]),
        helper.make_node("Round", ["inside"], ["rounded"]),
        helper.make_node("Where", ["whole", "rounded", "inside"], ["values"]),
        helper.make_node("Greater", ["luck", "rare"], ["gone"]),
        helper.make_node("Where", ["gone", "gap", "values"], ["sample"]),
    ]
    return generators.of_nodes(nodes, constants, 2 * len(low), sample_of(table))


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)


@st.composite
def columns(draw: st.DrawFn, name: str) -> pb.ColumnSpec:
    """Any column that a service would take."""
    missing = draw(st.booleans())
    form = draw(st.sampled_from(["category", "number", "whole", "truth", "date", "time"]))
    if form == "category":
        return pb.ColumnSpec(name=name, missing=missing, categories=draw(st.lists(TEXT, min_size=1, unique=True)))
    if form == "truth":
        return pb.ColumnSpec(name=name, missing=missing, unit=pb.COLUMN_UNIT_TRUTH)
    spec = pb.ColumnSpec(name=name, missing=missing, integer=form in ("whole", "date"))
    if form in ("date", "time"):
        spec.unit, spec.offset = pb.COLUMN_UNIT_DAYS, draw(st.integers(-300_000, 1_000_000))
    else:
        spec.offset = draw(st.sampled_from([0, 2**40 + 1, -(10**15)]) if form == "whole" else st.sampled_from([0, 0.5]))
    if draw(st.booleans()):
        spec.minimum = draw(st.integers(-1000, 1000))
        spec.maximum = spec.minimum + draw(st.integers(0, 1000))
    if form == "number" and draw(st.booleans()):
        spec.decimals = draw(st.integers(0, 4))
    return spec


@st.composite
def tables(draw: st.DrawFn) -> tuple[pb.TableSpec, np.ndarray]:
    """A schema, and raw rows of it, float32 [n, columns]."""
    names = draw(st.lists(TEXT, min_size=1, max_size=6, unique=True))
    label = draw(st.sampled_from(["", "label", "y", *names]))
    table = pb.TableSpec(columns=[draw(columns(name)) for name in names], label="" if label in names else label)
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (draw(st.integers(1, 12)), len(names))
    return table, raw(table, random.random(shape), random.random(shape) < 0.3)


def publish(models: Path, name: str, table: pb.TableSpec = SPEC, labels: tuple[str, ...] = LABELS) -> Path:
    """Add a generator of rows to a repository; returns the path of its model.onnx."""
    return generators.publish_untrained(models, name, labels, sample_of(table), network(table, len(labels)))


def of_numbers(*names: str, labels: tuple[str, ...] = ("0", "1", "2")) -> TableService:
    """A fake of rows of numbers in [-3, 3]."""
    columns = [pb.ColumnSpec(name=name, minimum=-3, maximum=3) for name in names]
    return TableService(pb.TableSpec(columns=columns), labels)
