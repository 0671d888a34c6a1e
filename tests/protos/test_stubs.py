"""protos/ and the stubs made from it, which are committed in client/augmint/v1.

They are made by an old compiler (`make protos`), so that `augmint` installs beside old releases of protobuf and grpcio;
what the current compiler says about the contract must be what they hold.
"""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from augmint.v1 import generator_pb2 as pb

ROOT = Path(__file__).parents[2]
PROTO = "augmint/v1/generator.proto"
STUBS = ROOT / "client" / "augmint" / "v1"


def protoc(*arguments: str) -> None:
    # The compilers of stubs stand beside the interpreter that they were installed for.
    plugin = Path(sys.executable).with_name("protoc-gen-mypy_grpc")
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", "protos", f"--plugin=protoc-gen-mypy_grpc={plugin}"]
    subprocess.run([*command, *arguments, PROTO], cwd=ROOT, check=True, timeout=60)


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("stubs")
    protoc(*(f"{kind}{out}" for kind in ("--pyi_out=", "--grpc_python_out=", "--mypy_grpc_out=quiet:")))
    return out / "augmint" / "v1"


def declared(path: Path) -> dict[str, set[str]]:
    """Class to names in it, and "" to names of the module: the same whichever compiler wrote the .pyi."""

    def names(body: list[ast.stmt]) -> set[str]:
        return {ast.unparse(one).partition(" =")[0] for one in body if isinstance(one, ast.AnnAssign)}

    tree = ast.parse(path.read_text())
    found = {node.name: names(node.body) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    return {"": names(tree.body), **found}


def methods(path: Path) -> set[str]:
    return set(re.findall(r"'(/augmint\.v1\.\w+/\w+)'", path.read_text()))


def test_committed_messages_are_those_of_the_contract(contract):
    committed = descriptor_pb2.FileDescriptorProto.FromString(pb.DESCRIPTOR.serialized_pb)
    wanted = descriptor_pb2.FileDescriptorProto()
    wanted.CopyFrom(contract)
    wanted.ClearField("source_code_info")
    for message in (*wanted.message_type, *committed.message_type):
        for field in message.field:
            field.ClearField("json_name")  # the compiler fills it in, where the descriptor in a stub leaves it out
        for nested in message.nested_type:
            for field in nested.field:
                field.ClearField("json_name")
    assert committed == wanted, "stale stubs: run `make protos` and commit"


def test_committed_types_and_methods_are_those_of_the_contract(rebuilt):
    stale = "stale stubs: run `make protos` and commit"
    assert declared(STUBS / "generator_pb2.pyi") == declared(rebuilt / "generator_pb2.pyi"), stale
    assert methods(STUBS / "generator_pb2_grpc.py") == methods(rebuilt / "generator_pb2_grpc.py") != set(), stale
    assert (STUBS / "generator_pb2_grpc.pyi").read_text() == (rebuilt / "generator_pb2_grpc.pyi").read_text(), stale


def test_the_stubs_ask_for_no_newer_protobuf_or_grpcio_than_the_package():
    messages, service = (STUBS / "generator_pb2.py").read_text(), (STUBS / "generator_pb2_grpc.py").read_text()
    (made_by,) = re.findall(r"^# Protobuf Python Version: (.*)$", messages, re.MULTILINE)
    assert made_by == "4.25.1", "made by another compiler: run `make protos` and commit"
    # Newer compilers write checks that refuse any older library than their own release.
    assert "ValidateProtobufRuntimeVersion" not in messages
    assert "GRPC_GENERATED_VERSION" not in service
    package = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {"grpcio>=1.62", "protobuf>=4.25,<8"} <= set(package)


@pytest.fixture(scope="module")
def contract(tmp_path_factory) -> descriptor_pb2.FileDescriptorProto:
    out = tmp_path_factory.mktemp("contract") / "contract.bin"
    protoc(f"--descriptor_set_out={out}", "--include_source_info")
    return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file[0]


def comments(contract: descriptor_pb2.FileDescriptorProto) -> dict[tuple[int, ...], str]:
    return {tuple(place.path): place.leading_comments.strip() for place in contract.source_code_info.location}


# Explained where they are first used, in GenerateRequest and Generator; `state` by its enum.
NAMED_WELL = {
    "GeneratorStatus.name",
    "GeneratorStatus.version",
    "GeneratorStatus.state",
    "ColumnSpec.name",
    "GoldenSample.seed",
    "GoldenSample.index",
    "GoldenSample.class_index",
    "ClassQuality.label",
}


def undocumented(contract: descriptor_pb2.FileDescriptorProto) -> set[str]:
    """Fields that nothing explains: no comment in their paragraph above them, and none above their message."""
    found = comments(contract)
    lines = [line.strip() for line in (ROOT / "protos" / PROTO).read_text().splitlines()]
    first_line = {tuple(place.path): place.span[0] for place in contract.source_code_info.location}
    missing = set()
    for number, message in enumerate(contract.message_type):
        for position, field in enumerate(message.field):
            line = first_line[4, number, 2, position]
            while lines[line] and not lines[line].startswith(("//", "message")):
                line -= 1
            if not lines[line].startswith("//") and not found.get((4, number)):
                missing.add(f"{message.name}.{field.name}")
    return missing


def test_every_field_says_what_it_holds(contract):
    assert undocumented(contract) == NAMED_WELL


def test_every_method_and_enum_value_says_what_it_means(contract):
    found = comments(contract)
    methods = contract.service[0].method
    assert all(found.get((6, 0, 2, position)) for position in range(len(methods)))
    for number, enum in enumerate(contract.enum_type):
        assert enum.value[0].name.endswith("_UNSPECIFIED")
        assert enum.value[0].number == 0
        assert found.get((5, number, 2, 0)), enum.name
        assert re.fullmatch(r"[A-Z]\w+", enum.name)
