import json

import numpy as np
import pandas
import pytest

from benchmarks.tables import trials


def test_every_system_that_is_recommended_is_scored_at_thirds_of_its_trial(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    label = random.choice(["no", "yes"], 200)
    rows = pandas.DataFrame({"x": random.normal(size=200) + (label == "yes"), "label": label})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    arguments = [str(tmp_path / "rows.csv"), "--seconds", "0.01", "--out", str(tmp_path / "lines.jsonl")]
    monkeypatch.setattr("sys.argv", ["trials", *arguments])
    assert trials.main() == 0
    found = [json.loads(line)["row"] for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert [row["system"] for row in found] == ["argn", "tabgan", "ctgan", "tvae"]
    for row in found:
        steps = [row[f"steps at {share}"] for share in ("0.33", "0.67", "1.00")]
        assert 1 <= steps[0] <= steps[1] <= steps[2]
        assert all(0 <= row[f"macro-F1 at {share}"] <= 1 for share in ("0.33", "0.67", "1.00"))


def test_a_trial_without_data_is_refused(monkeypatch):
    monkeypatch.setattr("sys.argv", ["trials"])
    with pytest.raises(SystemExit, match="2"):
        trials.main()
