"""The comparison of benchmarks/compression/search.py, on data made here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.compression.search import _first, _share

ROOT = Path(__file__).resolve().parents[2]


def test_the_share_of_the_box() -> None:
    assert _share([(0.0, 100)], 1000) == pytest.approx(1.0)  # no error in a tenth
    assert _share([(0.25, 100)], 1000) == 0.0
    assert _share([(0.0, 1000)], 1000) == 0.0
    assert _share([(0.125, 1000 / math.sqrt(10))], 1000) == pytest.approx(0.25)


def test_equal_cost_is_what_comes_nearest() -> None:
    found = [object(), object(), object()]
    assert _first(found, [2, 2, 2], 3.5) == found[:2]  # type: ignore[arg-type]
    assert _first(found, [2, 2, 2], 2.9) == found[:1]  # type: ignore[arg-type]
    assert _first(found, [2, 2, 2], 99) == found  # type: ignore[arg-type]


@pytest.mark.slow
def test_both_are_run_at_equal_cost(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    patterns, y = rng.normal(0, 1, (6, 32, 3)), rng.integers(0, 6, 360)
    x = (patterns[y] + rng.normal(0, 1, (360, 32, 3))).astype(np.float32)
    (tmp_path / "data").mkdir()
    arrays = {"x_train": x[:260], "y_train": y[:260], "x_test": x[260:], "y_test": y[260:]}
    np.savez(tmp_path / "data" / "har_uci.npz", **arrays)
    options = ("--candidates", "6", "--epochs", "3", "--folder", str(tmp_path / "kept"))
    program = [sys.executable, "-m", "benchmarks.compression.search", "--shared", str(tmp_path)]
    done = subprocess.run(
        [*program, *options], cwd=ROOT, check=True, capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(found, indent=1))
    assert found["epochs"] >= 6 + 2 * 3
    assert found["search"]["candidates"] >= 6
    for name in ("search", "random, same epochs", "random, same seconds"):
        assert 0 <= found[name]["validation"] <= 1
        assert 1 <= len(found[name]["front"]) <= found[name]["candidates"]
    assert (tmp_path / "kept" / "0" / "random" / "study.db").exists()
