"""int8 accuracy is at most 0.2 points below that of TensorFlow's converter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.shared
@pytest.mark.slow
def test_int8_is_as_good_as_tensorflows(shared: Path) -> None:
    """In a separate process, because TensorFlow's converter warns and writes to both streams."""
    command = [sys.executable, str(ROOT / "benchmarks" / "quantization.py"), str(shared)]
    models = ["kws", "sww", "ad", "ic", "vww"]
    output = subprocess.run(
        [*command, *models, "--test-samples", "1000", "--json"], check=True, capture_output=True
    )
    rows = {(row["model"], row["variant"]): row for row in json.loads(output.stdout)}
    for model in models:
        theirs = rows[model, "TensorFlow int8"]
        ours = rows[model, "tinycomp auto"]
        assert ours["samples"] == theirs["samples"]
        if ours["metric"] == "top-1":
            assert ours["value"] >= theirs["value"] - 0.2, model
        else:
            assert ours["value"] <= 1.002 * theirs["value"], model
        assert ours["rms"] <= theirs["rms"], model
