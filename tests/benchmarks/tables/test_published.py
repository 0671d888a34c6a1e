import numpy as np
import onnx
import onnxruntime
import pandas
import pytest
from onnx import TensorProto, helper, numpy_helper

from augmint.v1 import generator_pb2 as pb
from benchmarks.tables import generators, published
from service import artifact
from tests import generators as made_generators
from tests.benchmarks.tables import made
from training.data.splits import digest
from training.export.address import OPSET, with_latent

COLUMNS = [
    pb.ColumnSpec(name="age", integer=True, offset=50, decimals=0),
    pb.ColumnSpec(name="job", categories=["clerk", "smith", "nurse"]),
    pb.ColumnSpec(name="pay"),
    pb.ColumnSpec(name="town", categories=list("abcdef"), missing=True),
]


def network():
    """latent float32 [n, 4], label int64 [n] -> sample float32 [n, 4]: ages by class, and the sixth town missing."""
    values = {
        "scale": np.array([[5, 1, 100, 1]], np.float32),
        "low": np.array([[-30, 0, -1e4, 0]], np.float32),
        "high": np.array([[30, 2, 1e4, 5]], np.float32),
        "whole": np.array([[True, True, False, True]]),
        "classes": np.array([[-10, 1, 0, 3], [10, 1, 0, 3]], np.float32),
        "gone": np.array([[np.inf, np.inf, np.inf, 5]], np.float32),
        "nan": np.array(np.nan, np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["latent", "scale"], ["scaled"]),
        helper.make_node("Gather", ["classes", "label"], ["middle"]),
        helper.make_node("Add", ["scaled", "middle"], ["moved"]),
        helper.make_node("Max", ["moved", "low"], ["above"]),
        helper.make_node("Min", ["above", "high"], ["between"]),
        helper.make_node("Round", ["between"], ["rounded"]),
        helper.make_node("Where", ["whole", "rounded", "between"], ["values"]),
        helper.make_node("Equal", ["values", "gone"], ["missing"]),
        helper.make_node("Where", ["missing", "nan", "values"], ["sample"]),
    ]
    graph = helper.make_graph(
        nodes,
        "table",
        [
            helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["n", 4]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
        ],
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 10
    return with_latent(model, 4)


def content(rows=600, labels=("rich", "poor"), held=None) -> bytes:
    """rows: that it has seen in all; held: positions of its test split."""
    model: onnx.ModelProto = network()
    generator = pb.Generator(
        name="people",
        version=1,
        labels=labels,
        sample=pb.SampleSpec(shape=[4], dtype=pb.DATA_TYPE_FLOAT32, table=pb.TableSpec(columns=COLUMNS, label="class")),
        latent_size=4,
        golden=[pb.GoldenSample(seed=7, index=1, class_index=0, truncation=1.0)],
        provenance=pb.Provenance(
            preset="argn",
            opset=OPSET,
            steps=1200,
            training_seconds=34,
            splits=[
                pb.SplitCounts(split="train", counts=[rows - 100, 60]),
                pb.SplitCounts(split="test", counts=[30, 10], digest="" if held is None else digest(held)),
            ],
        ),
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = dict(zip(artifact.INPUTS, _columns(artifact.golden_rows(generator)), strict=True))
    generator.golden[0].data = session.run(["sample"], feed)[0].tobytes()
    return artifact.embed(model, generator)


def _columns(rows):
    return rows.seed, rows.index, rows.label, rows.truncation


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(content())
    return path


def test_a_published_file_draws_rows_of_the_table_with_its_class_frequencies(file):
    data = made.of()
    drawn = generators.ours(str(file), data, draws=2, threads=1)
    assert drawn.name == "people/1 (argn)"
    assert drawn.told is not None
    assert (drawn.told["training_seconds"], drawn.told["note"], drawn.told["threads"]) == (34, "1,200 steps", 1)
    assert len(drawn.told["drawing_seconds"]) == 2
    first, second = drawn.draws
    assert not first.equals(second)
    for rows in drawn.draws:
        assert rows["class"].value_counts().to_dict() == data.train["class"].value_counts().to_dict()
        assert set(rows["town"].dropna()) <= set("abcde")
        assert rows["town"].isna().any()
        assert not rows["job"].isna().any()
        assert rows["age"].between(20, 80).all()
        assert (rows["age"] % 1 == 0).all()
        # The second class of the file is "poor": of every row the features are those of the class that it says.
        assert rows["age"][rows["class"] == "poor"].mean() > 55
        assert rows["age"][rows["class"] == "rich"].mean() < 45


def test_the_same_draw_is_the_same_rows(file):
    data = made.of()
    one, other = (published.Published(file, data, 1).draw(50, seed=3) for _ in range(2))
    assert one.equals(other)


def test_a_generator_that_may_have_seen_what_it_is_judged_by_is_refused(tmp_path):
    path = tmp_path / "model.onnx"
    for held in (None, np.arange(600), np.arange(600, 1199)):
        path.write_bytes(content(rows=1200, held=held))
        with pytest.raises(
            ValueError, match="nothing says that it has not seen rows that it is judged by; of 600 rows"
        ):
            generators.ours(str(path), made.of(), 1, 1)
    # The whole file, with the same rows held out.
    path.write_bytes(content(rows=1200, held=np.arange(600, 1200)))
    assert len(generators.ours(str(path), made.of(), 1, 1).draws) == 1


def test_a_file_that_makes_no_such_rows_is_refused_in_one_sentence(tmp_path):
    data = made.of()
    image, other, broken = (tmp_path / f"{name}.onnx" for name in ("image", "other", "broken"))
    image.write_bytes(made_generators.build())
    other.write_bytes(content(labels=("rich", "middling")))
    broken.write_bytes(b"no file")
    for path, said in (
        (image, "a generator of image, not of a table"),
        (other, "it cannot make 'poor'; its classes: rich, middling"),
        (broken, "cannot load the file"),
        (tmp_path / "none.onnx", "No such file"),
    ):
        with pytest.raises(ValueError, match=said):
            generators.ours(str(path), data, 1, 1)


def test_values_are_decoded_as_the_contract_says():
    spec = pb.TableSpec(
        columns=[
            pb.ColumnSpec(name="id", integer=True, offset=2**40),
            pb.ColumnSpec(name="price", decimals=2, missing=True),
            pb.ColumnSpec(name="paid", unit=pb.COLUMN_UNIT_TRUTH, missing=True),
            pb.ColumnSpec(name="kind", categories=["x", "y"], missing=True),
        ]
    )
    raw = np.array([[3, 0.1, 1, 0], [4, np.nan, np.nan, np.nan], [5, 19.99, 0, 1]], np.float32)
    wanted = pandas.DataFrame(
        {
            "id": [2.0**40 + 3, 2.0**40 + 4, 2.0**40 + 5],
            "price": [0.1, np.nan, 19.99],
            "paid": ["True", np.nan, "False"],
            "kind": ["x", np.nan, "y"],
        }
    )
    pandas.testing.assert_frame_equal(published.frame(spec, raw), wanted, check_dtype=False)


def test_a_function_is_a_generator_too():
    drawn = generators.ours("tests.benchmarks.tables.made:copying", made.of(), 2, 1)
    assert [len(rows) for rows in drawn.draws] == [600, 600]


@pytest.mark.parametrize("what", ["nothing", "no.module:fit", "json:nothing"])
def test_what_is_neither_a_file_nor_a_function_is_named(what):
    with pytest.raises(ValueError, match=f"{what}: neither a file that ends in .onnx nor module:function"):
        generators.ours(what, made.of(), 1, 1)
