import re

import pytest

from service.settings import GROUPS, Settings, SettingsError, load


def test_a_flag_beats_a_variable_and_a_variable_beats_the_default():
    settings = load(["--models", "m", "--port=7"], {"AUGMINT_PORT": "8", "AUGMINT_METRICS_PORT": "9", "HOME": "/"})
    assert (settings.models, settings.port, settings.metrics_port, settings.device) == ("m", 7, 9, "cpu")


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ([], {}, r"--models \(or AUGMINT_MODELS\) is required"),
        (["--models", "m", "--prot", "1"], {}, "unknown argument '--prot'; did you mean --port"),
        (["--models", "m", "--prot=1"], {}, "did you mean --port"),
        (["--models", "m", "--mod", "x"], {}, "unknown argument '--mod'"),
        (["stray/models"], {}, r"unknown argument 'stray/models'; did you mean --models stray/models\?"),
        (["--models", "m", "--versions"], {}, "unknown argument '--versions'"),
        (["--models"], {}, "expected one argument"),
        (["--models", "m"], {"AUGMINT_QEUE_LIMIT_SECONDS": "1"}, "did you mean AUGMINT_QUEUE_LIMIT_SECONDS"),
        (["--models", "m"], {"augmint_port": "1"}, "unknown variable augmint_port"),
        (["--models", "m", "--port", "70000"], {}, "--port is '70000': .*less than or equal to 65535"),
        (
            ["--models", "m"],
            {"AUGMINT_PORT": "tcp://10.0.0.1:50051"},
            "--port is 'tcp://10.0.0.1:50051': .*integer.*Links",
        ),
        (
            ["--models", "m"],
            {"AUGMINT_SERVICE_HOST": "10.0.0.1"},
            "AUGMINT_SERVICE_HOST: Kubernetes .*enableServiceLinks",
        ),
        (["--models", "m"], {"AUGMINT_PORT_50051_TCP_ADDR": "10.0.0.1"}, "_ADDR: Kubernetes sets it for a Service"),
        (["--models", "m"], {"AUGMINT_WEB_SERVICE_PORT_GRPC": "1"}, "_GRPC: Kubernetes sets it for a Service"),
        (["--models", "m", "--queue-limit-seconds", "0"], {}, "--queue-limit-seconds is '0': .*greater than 0"),
        (["--models", "m", "--queue-limit-seconds", "nan"], {}, "--queue-limit-seconds is 'nan'"),
        (["--models", "m", "--device", "gpu"], {}, "--device is 'gpu'"),
        (["--models", "m", "--log-format", "xml"], {}, "--log-format is 'xml': .*'auto', 'console' or 'json'"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(arguments, environment, message):
    with pytest.raises(SettingsError, match=message):
        load(arguments, environment)


def test_the_version_is_told_whatever_else_is_given(capsys):
    with pytest.raises(SystemExit) as end:
        load(["--version"], {})
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("augmint service ")


def test_help_lists_every_setting_with_its_default(capsys):
    with pytest.raises(SystemExit) as end:
        load(["--help"], {})
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "--queue-limit-seconds VALUE" in text
    assert "AUGMINT_MODELS" in text
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')} " in text


def test_help_has_a_heading_for_each_group_and_every_setting_stands_under_one(capsys):
    with pytest.raises(SystemExit):
        load(["--help"], {})
    _, _, *groups = re.split(r"\n\n(?=[a-z ]+:\n)", capsys.readouterr().out)
    assert [group.partition(":")[0] for group in groups] == list(GROUPS.values())
    places = [
        next(n for n, group in enumerate(groups) if f"\n  --{name.replace('_', '-')} " in group)
        for name in Settings.model_fields
    ]
    assert places == sorted(places)
