"""The official MLPerf Tiny int8 models on the emulated Cortex-M4, beside other tools' figures.

    python benchmarks/run.py [--models FOLDER] [--peers FILE] [--check]

Instruction counts and bytes are the same on every run, so results.json is a contract: --check fails
where a figure has grown. Without the models there is nothing to measure, which is said in one line.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tinycomp import pipeline
from tinycomp.errors import TinycompError
from tinycomp.prepare import Preparation
from tinycomp.progress import Silent
from tinycomp.report.record import Report

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared"
RESULTS = HERE / "results.json"
BOARD = "cortex-m4"
PEER = "TFLM + CMSIS-NN"
MODELS = {
    "kws": "kws_ref_model_int8.tflite",
    "vww": "vww_96_int8.tflite",
    "ic": "ic_resnet8_int8.tflite",
    "ad": "ad01_int8.tflite",
    "sww": "str_ww_ref_model_int8.tflite",
}
CODEBOOK_BITS = 4
COLUMNS = ("instructions", "code", "constants", "ram")


@dataclass(frozen=True)
class Case:
    """A model, dense or with codebooks."""

    model: str
    bits: int | None

    @property
    def name(self) -> str:
        """As results.json calls it."""
        return self.model if self.bits is None else f"{self.model} {self.bits}-bit"


def main() -> int:
    """Measure, print, and write or check results.json; the exit code."""
    options = _options()
    console = Console(width=max(Console().width, 110))
    known = [name for name, file in MODELS.items() if (options.models / file).is_file()]
    if not known:
        console.print(f"Left out: {options.models} holds none of the MLPerf Tiny models.")
        return 0
    found = {}
    for case in (Case(name, bits) for name in known for bits in (None, CODEBOOK_BITS)):
        console.print(f"building {case.name} ...", style="dim")
        found[case.name] = _figures(_build(options.models / MODELS[case.model], case))
    console.print(_table(found, _peers(options.peers)))
    if options.check:
        return _check(found, console)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    console.print(f"Wrote {RESULTS}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=Path, default=SHARED / "models")
    parser.add_argument("--peers", type=Path, default=SHARED / "design" / "peers.json")
    parser.add_argument("--check", action="store_true", help="compare with results.json")
    return parser.parse_args()


def _build(model: Path, case: Case) -> Report:
    with tempfile.TemporaryDirectory() as folder:
        wanted = Preparation(model, codebook_bits=case.bits, name=case.model)
        options = pipeline.BuildOptions(wanted, BOARD, Path(folder) / "out", samples=1)
        return pipeline.build(options, Silent())


def _figures(report: Report) -> dict[str, Any]:
    """What is compared: instructions of one inference and bytes, of the library alone."""
    if report.latency is None or report.flash is None or report.ram is None:
        raise TinycompError("; ".join(report.notes))
    ram = report.ram
    return {
        "macs": report.model.macs,
        "instructions": report.latency.value,
        "code": report.flash.code,
        "constants": report.flash.constants,
        "ram": ram.arena + ram.scratch + (ram.stack or 0),
        "equal": all(record.equal for record in report.verify),
    }


def _peers(path: Path) -> dict[str, Any]:
    """Figures of the peer by model; empty where the file is not there."""
    if not path.is_file():
        return {}
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))[BOARD][PEER]
    return figures


def _table(found: dict[str, Any], peers: dict[str, Any]) -> Table:
    table = Table(title=f"{BOARD}: instructions of one inference, bytes", title_justify="left")
    table.add_column("model")
    for column in ("MACs", "instructions", "a MAC", "code", "constants", "RAM", "equal"):
        table.add_column(column, justify="right")
    if peers:
        table.add_column(f"{PEER}: instructions / flash / RAM", justify="right")
    for name, row in found.items():
        cells = [f"{row['macs']:,}", f"{row['instructions']:,}"]
        cells += [f"{row['instructions'] / row['macs']:.2f}"]
        cells += [f"{row[key]:,}" for key in ("code", "constants", "ram")]
        cells += ["yes" if row["equal"] else "NO"]
        table.add_row(name, *cells, *([_peer(peers.get(name))] if peers else []))
    return table


def _peer(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return ""
    flash = figures["code"] + figures["constants"]
    return f"{figures['instructions']:,} / {flash:,} / {figures['ram']:,}"


def _check(found: dict[str, Any], console: Console) -> int:
    """1 where a figure is larger than in results.json, with both numbers."""
    known = json.loads(RESULTS.read_text(encoding="utf-8"))
    grown = [
        f"{name}: {column} grew from {known[name][column]:,} to {row[column]:,}"
        for name, row in found.items()
        for column in COLUMNS
        if name in known and row[column] > known[name][column]
    ]
    for line in grown:
        console.print(line, style="red")
    return 1 if grown else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TinycompError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
