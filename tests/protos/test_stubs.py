"""protos/ and the stubs made from it, which are committed in client/augmint/v1."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parents[2]
PROTO = "augmint/v1/generator.proto"
STUBS = ("generator_pb2.py", "generator_pb2.pyi", "generator_pb2_grpc.py", "generator_pb2_grpc.pyi")


def protoc(*arguments: str) -> None:
    # The compilers of stubs stand beside the interpreter that they were installed for.
    plugin = Path(sys.executable).with_name("protoc-gen-mypy_grpc")
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", "protos", f"--plugin=protoc-gen-mypy_grpc={plugin}"]
    subprocess.run([*command, *arguments, PROTO], cwd=ROOT, check=True, timeout=60)


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("stubs")
    kinds = ("--python_out=", "--pyi_out=", "--grpc_python_out=", "--mypy_grpc_out=quiet:")
    protoc(*(f"{kind}{out}" for kind in kinds))
    return out / "augmint" / "v1"


@pytest.mark.parametrize("name", STUBS)
def test_committed_stubs_are_those_of_the_contract(rebuilt, name):
    committed = (ROOT / "client" / "augmint" / "v1" / name).read_text()
    assert committed == (rebuilt / name).read_text(), "stale stubs: run `make protos` and commit"


def test_the_makefile_builds_stubs_as_this_test_does():
    makefile = (ROOT / "Makefile").read_text()
    for option in (
        "--python_out=client",
        "--pyi_out=client",
        "--grpc_python_out=client",
        "--mypy_grpc_out=quiet:client",
    ):
        assert option in makefile


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
