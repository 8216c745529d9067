"""Files that don't fit on the disk: an error, and what was there before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="limits the size of files as POSIX systems can")

PROGRAM = """
import json, os, resource, sys
from pathlib import Path
import numpy as np
from tinycomp.common.errors import OutputError
from tinycomp.emit.folder import write_file
from tinycomp.recipe_search.worker import save
from tinycomp.train.checkpoint import Checkpoint

folder = Path(sys.argv[1])
kept, state = Checkpoint(folder / "state.npz", "run"), {"x": np.zeros(10)}
kept.write(state)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
said = []
for write in (
    lambda: kept.write({"x": np.random.default_rng(0).random(100_000)}),
    lambda: write_file(folder / "model.tflite", bytes(1_000_000)),
    lambda: save(folder / "models" / "0.tflite", bytes(1_000_000)),
):
    try:
        write()
    except OutputError as error:
        said.append(str(error))
read = kept.read()["x"].tolist() == state["x"].tolist()
left = sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())
print(json.dumps({"said": said, "read": read, "left": left}))
"""


def test_what_does_not_fit_is_an_error_and_nothing_is_left(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=Path(__file__).resolve().parents[2], check=True, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    found = json.loads(done.stdout)
    checkpoint, model, candidate = found["said"]
    assert "state.npz' can't be written: File too large" in checkpoint
    assert "the last complete checkpoint is kept" in checkpoint
    assert "model.tflite' can't be written" in model
    assert "Finished candidates are kept" in candidate
    assert found["read"]
    assert found["left"] == ["state.npz"]
