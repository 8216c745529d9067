"""Quantization-aware training where int8 loses much: spoken digits with unnormalized coefficients
of very different ranges: python -m benchmarks.compression.qat

The input has a single scale, but standard deviations from 63 (first coefficient) to 0.6 (last).
Scores float, post-training int8 and quantization-aware training on the test half.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.cases import SHARED
from benchmarks.compression import fsdd
from benchmarks.compression._case import Case, trained
from tinycomp.common.progress import Silent
from tinycomp.options.compress import CompressOptions
from tinycomp.recipes.compression import Compressed, compress

TRAINING = "[training]\nepochs = 40\nbatch = 32\nimitation = 0.5\ntemperature = 2.0\n"
AUGMENT = "[training.augment]\ntime_shift = 4\n"
RECIPES = {
    "post_training": "[[steps]]\ntechnique = 'post_training'\n",
    "int8": TRAINING + AUGMENT + "[[steps]]\ntechnique = 'int8'\n",
}
CASE = Case(
    "fsdd as it comes", fsdd.data, fsdd.network, 40, "", "", 0, augment={"time_shift": 4},
    rate=0.003, batch=32,
)  # fmt: skip


def raw(folder: Path) -> dict[str, np.ndarray]:
    """The official split, with unnormalized coefficients."""
    with np.load(folder / "fsdd.npz") as archive:
        x, y, test = archive["mfcc"][..., 0], archive["label"], archive["is_test"]
    return {"x_train": x[~test], "y_train": y[~test], "x_test": x[test], "y_test": y[test]}


def run(model: Path, data: Path, name: str, seed: int) -> Compressed:
    """Compress with one of RECIPES."""
    recipe = model.with_name("recipe.toml")
    recipe.write_text(RECIPES[name])
    options = CompressOptions(model, data, recipe=str(recipe), seed=seed)
    return compress(options, Silent(), lambda _: None)


def main() -> None:
    """Print a line of JSON for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of evaluation data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    arrays = raw(options.shared / "data")
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
            model, data = Path(folder) / "model.keras", Path(folder) / "data.npz"
            np.savez(data, **arrays)
            trained(CASE, arrays, seed, model)
            after, during = (run(model, data, name, seed) for name in RECIPES)
        scores = [after.real, after.small, during.small]
        real, plain, better = (0.0 if each is None else each.value for each in scores)
        found = {
            "seed": seed, "float": round(real, 4), "after training": round(plain, 4),
            "in training": round(better, 4),
            "share of the loss back": round((better - plain) / max(real - plain, 1e-9), 3),
        }  # fmt: skip
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
