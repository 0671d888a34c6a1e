"""The table, configuration files, and the command that prints both."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from training.__main__ import app
from training.config.config import Config
from training.config.presets import AUTO, PRESETS, PresetError, from_toml, resolve, to_toml


@pytest.mark.parametrize("preset", PRESETS)
def test_row_names_its_paper_and_what_it_changes(preset: str) -> None:
    row = PRESETS[preset]
    assert "arXiv" in row.source
    assert Config(**row.changes) == row.config


@pytest.mark.parametrize("preset", PRESETS)
def test_printed_file_is_the_preset(preset: str, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(to_toml(preset))
    named, settings = from_toml(path)
    assert named == preset
    assert resolve(preset, settings) == resolve(preset)
    missing = set(Config.model_fields) - set(tomllib.loads(path.read_text()))
    assert missing == {name for name in Config.model_fields if getattr(resolve(preset), name) is None}


def test_file_may_leave_out_and_set_what_has_no_value(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('augmentation = "none"\nwidth = 24\nequalised_rate = true\n')
    named, settings = from_toml(path)
    assert named is None
    config = resolve("dcgan", settings)
    assert (config.augmentation, config.width, config.equalised_rate) == (None, 24, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("width = ", "is not a TOML file"),
        (b"\xff\xfe", "is not a TOML file"),
        ("preset = 3", "preset must be a name in quotes"),
        ("[optimizer]\nlr = 1", "optimizer: a setting is one value"),
        ("width = [1, 2]", "width: a setting is one value"),
        (None, "cannot be read: No such file"),
    ],
)
def test_bad_file_is_named_with_its_fault(content: str | bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(PresetError, match=words) as refused:
        from_toml(path)
    assert str(path) in str(refused.value)


@given(
    st.dictionaries(
        st.one_of(st.sampled_from([*Config.model_fields]), st.text(max_size=9)),
        st.one_of(st.text(max_size=9), st.booleans(), st.integers(), st.floats(allow_subnormal=False), st.none()),
        max_size=3,
    ),
    st.sampled_from(["vae", AUTO]),
)
def test_any_settings_make_a_configuration_or_a_reason(settings: dict[str, object], preset: str) -> None:
    try:
        outcome = resolve(preset, settings)
    except PresetError as refused:
        outcome = str(refused)
    assert isinstance(outcome, Config) or outcome.startswith(f"preset {preset}: ")


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_command_lists_all_shows_one_and_prints_its_file() -> None:
    code, every = invoke("presets")
    assert code == 0
    assert all(name in every for name in PRESETS)
    code, one = invoke("presets", "wgan")
    assert code == 0
    assert "weight_clip=0.05" in one
    assert "arXiv:1710.10196" not in one
    assert invoke("presets", "sngan", "--toml") == (0, to_toml("sngan"))
    code, some = invoke("presets", "--kind", "image")
    assert code == 0
    assert some.index("rpgan") < some.index("vae")
    assert "ctgan" not in some


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["presets", "stylegan"], "no preset 'stylegan'"),
        (["presets", "--toml"], "name a preset"),
        (["presets", "--kind", "smell"], "no kind 'smell'; there are: audio, image, music, table, text"),
        (["fit", "digits", "--config", "/no/such.toml"], "/no/such.toml cannot be read"),
    ],
)
def test_command_refuses_in_one_sentence(arguments: list[str], words: str) -> None:
    code, output = invoke(*arguments)
    assert code == 2
    assert words in output
    assert "Traceback" not in output


def test_command_line_is_stronger_than_the_file(tmp_path: Path) -> None:
    """The refusal shows which preset and settings were put together."""
    path = tmp_path / "run.toml"
    path.write_text('preset = "wgan"\noutput = "sigmoid"\n')
    fit = ["fit", "digits", "--runs", str(tmp_path / "runs"), "--config", str(path)]
    assert "preset wgan: output 'sigmoid'" in invoke(*fit)[1]
    assert "preset lsgan: output 'sigmoid'" in invoke(*fit, "--preset", "lsgan")[1]
    code, output = invoke(*fit, "--set", "output=linear", "--set", "weight_clip=0")
    assert code == 2
    assert "sigmoid" not in output
    assert "preset wgan: objective 'wasserstein' with nothing that bounds" in output
