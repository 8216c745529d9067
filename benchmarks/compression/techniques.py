"""Measures each technique alone on the same network with the same training:
python -m benchmarks.compression.techniques

The network is that of `benchmarks.compression.har`, or with --case lenet_300_100 that one. Each
row has the accuracy on the test half, bytes, multiply-accumulates and instructions for a technique
and a seed. Options are not tuned.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import SHARED
from benchmarks.compression import har, lenet_300_100
from benchmarks.compression._case import trained
from tinycomp.common.progress import Silent
from tinycomp.options.compress import CompressOptions
from tinycomp.recipes.compression import compress
from tinycomp.report.record import StepRecord

CASES = {"har": har.CASE, "lenet_300_100": lenet_300_100.CASE}
TRAINING = {
    "har": """
[training]
epochs = 20
batch = 32
imitation = 0.5
temperature = 2.0
hold_out = "last"
[training.augment]
time_shift = 16
noise = 0.2
""",
    "lenet_300_100": """
[training]
epochs = 10
batch = 256
imitation = 0.5
temperature = 2.0
validation = 0.05
[training.augment]
shift = 1
""",
}
"""Options of the trainings, by the name of the case."""


@dataclass(frozen=True)
class Row:
    """A technique with its options."""

    name: str
    """Name of its recipe step."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the step."""
    first: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Steps before it."""

    @property
    def title(self) -> str:
        """The title in the table and for --only."""
        parts = [
            " ".join([name, *(f"{key} {value}" for key, value in options.items())])
            for name, options in (*self.first, (self.name, self.options))
        ]
        return ", ".join(parts)


UNTRAINED = ("rounding", "post_training")
_NINE = {"sparsity": 0.9}
_AGAIN = (("equalize", {}),)
_ONCE = (("prune", {**_NINE, "begin": 0.0, "end": 0.0, "epochs": 1}),)
ROWS = (
    Row("fine_tune"),
    Row("fine_tune", {"imitation": 0.0}),
    Row("fine_tune", {"imitation": 1.0}),
    Row("fine_tune", {"features": 1.0}),
    *(Row("prune", {**_NINE, "score": score}) for score in ("lamp", "magnitude", "movement")),
    Row("prune", {**_NINE, "ranking": "layer"}),
    Row("prune", {**_NINE, "begin": 0.0, "end": 0.0}),
    Row("keep_zeros", {}, _ONCE),
    Row("prune", {"sparsity": 0.5}),
    Row("prune", {"sparsity": 0.5, "pattern": "2:4"}),
    Row("prune", {"sparsity": 0.75, "pattern": "1x4"}),
    Row("prune", {"sparsity": 0.75}),
    Row("sparse", {**_NINE, "growth": "gradient"}),
    Row("sparse", {**_NINE, "growth": "random"}),
    Row("sparse", {**_NINE, "initial": 0.5}),
    Row("sparse", {**_NINE, "initial": 0.5, "layers": "erk"}),
    *(
        Row("channels", {"macs": 0.5, "criterion": criterion, "epochs": 20})
        for criterion in ("l1", "l2", "batch_norm", "taylor")
    ),
    Row("width", {"factor": 0.5, "epochs": 20}),
    Row("width", {"factor": 0.5, "epochs": 20, "imitation": 0.0}),
    Row("low_rank", {"macs": 0.5, "epochs": 20}),
    Row("tucker", {"macs": 0.5, "epochs": 20}),
    Row("tucker", {"ranks": "vbmf", "epochs": 20}),
    Row("cp", {"macs": 0.5, "epochs": 20}),
    *(
        Row("rounding", {"bits": bits, "method": method})
        for bits in (4, 3)
        for method in ("nearest", "feedback", "adaround")
    ),
    Row("rounding", {"average": 4.0}),
    Row("rounding", {"average": 3.0}),
    Row("rounding", {"bits": 4, "scales": "layer"}),
    Row("rounding", {"bits": 4, "scales": "layer"}, _AGAIN),
    Row("post_training", {"codebook_bits": 4}),
    Row("post_training", {"codebook_bits": 4, "shared_codebooks": [["*"]]}),
    Row("post_training", {"codebook_bits": 4, "scales": "layer"}),
    Row("post_training", {"sparsity": 0.5}),
    *(Row("int8", {"bits": bits}) for bits in (8, 4, 3, 2)),
    Row("share", {"bits": 4}),
    Row("share", {"bits": 3}),
    Row("rate", {"bits": 2.0}),
    Row("rate", {"bits": 1.0}),
)


def recipe(row: Row, case: str) -> str:
    """The TOML file of a row; structure techniques are followed by training, others include it."""
    tables = []
    for name, options in (*row.first, (row.name, row.options)):
        values = {"technique": name, **options}
        tables.append(
            "[[steps]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items())
        )
    training = TRAINING[case]
    if row.name in UNTRAINED:
        training = re.sub("epochs = .*\n", "", training)
    return training + "\n".join(tables)


def measured(row: Row, model: Path, data: Path, text: str, seed: int) -> dict[str, Any]:
    """What came of this recipe for the row."""
    path = data.with_name("recipe.toml")
    path.write_text(text)
    found = compress(CompressOptions(model, data, recipe=str(path), seed=seed), Silent(), _ignore)
    assert found.real is not None
    assert found.small is not None
    before, after = found.steps[0], found.steps[-1]
    return {
        "technique": row.title, "seed": seed, "float": round(found.real.value, 4),
        "accuracy": round(found.small.value, 4), "bytes": [before.constants, after.constants],
        "code": [before.code, after.code],
        "macs": [before.macs, after.macs],
        "instructions": [round(before.instructions), round(after.instructions)],
        "non_zeros": after.non_zeros, "bits": round(after.bits, 2),
        "seconds": round(after.seconds),
    }  # fmt: skip


def _ignore(record: StepRecord) -> None:
    """Ignore the record; rows are printed at the end."""


def main() -> None:
    """Print a line of JSON for each row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of evaluation data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--case", choices=CASES, default="har", help="network and data")
    parser.add_argument("--only", default="", help="rows whose titles hold this text")
    parser.add_argument(
        "--untrained", action="store_true", help="only the rows that need no training"
    )
    parser.add_argument("--models", type=Path, help="folder in which float models are kept")
    options = parser.parse_args()
    case = CASES[options.case]
    arrays = case.data(options.shared / "data")
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
            data = Path(folder) / "data.npz"
            model = (options.models or Path(folder)) / f"{options.case}_{seed}.keras"
            np.savez(data, **arrays)
            if not model.exists():
                trained(case, arrays, seed, model)
            for row in ROWS:
                wanted = not options.untrained or row.name in UNTRAINED
                if wanted and options.only in row.title:
                    found = measured(row, model, data, recipe(row, options.case), seed)
                    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
