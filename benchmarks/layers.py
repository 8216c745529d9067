"""Compares each layer of the speed models with the same layer of the peer on a Cortex-M4, and lists
those that are slower.

    python -m benchmarks.layers [--model NAME]... [--shared FOLDER]

The peer's figures are a table of shared/design/SPEED.md. The exit code is 1 if a layer that takes
more than LEAST of its model's instructions takes more than the peer's.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import SHARED, Case, model_path
from benchmarks.measure import build
from benchmarks.program import ended
from tinycomp.common.errors import TinycompError
from tinycomp.report.record import Report

BOARD = "cortex-m4"
LEAST = 0.005
"""The share of a model's instructions from which a layer counts."""
HEADING, COLUMNS = "## Layer by layer", 7
"""Where the peer's table begins, and its columns."""

Kind = tuple[str, str]
"""An operator, and the shape of its output."""


@dataclass(frozen=True)
class Compared:
    """A layer beside the peer's."""

    model: str
    """Name of the model."""
    kind: Kind
    """The operator, and the shape of its output."""
    ours: int
    """Instructions."""
    peer: int
    """Instructions of the peer."""
    share: float
    """The part of our model's instructions that the layer takes."""

    @property
    def slower(self) -> bool:
        """Whether it counts, and takes more than the peer's."""
        return self.share > LEAST and self.ours > self.peer


def peer_layers(text: str) -> dict[str, dict[Kind, list[int]]]:
    """The peer's instructions by model and kind of layer, ascending, of SPEED.md."""
    found: dict[str, dict[Kind, list[int]]] = {}
    for line in text.partition(HEADING)[2].partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == COLUMNS and cells[5][:1].isdigit():
            kinds = found.setdefault(cells[0], {})
            count = int(cells[5].split()[0].replace(",", ""))
            kinds.setdefault((cells[1], cells[2]), []).append(count)
    return {model: {k: sorted(v) for k, v in kinds.items()} for model, kinds in found.items()}


def compared(report: Report, model: str, peer: Mapping[Kind, Sequence[int]]) -> list[Compared]:
    """The layers that the peer's table has too. Several layers of a kind have no names there, so
    they are compared in the order of their instructions.
    """
    assert report.latency is not None
    shapes = {tensor.name: tensor.shape for tensor in report.tensors}
    ours: dict[Kind, list[int]] = {}
    for record, layer in zip(report.layers, report.latency.layers, strict=True):
        shape = ", ".join(map(str, shapes[record.outputs[0]]))
        ours.setdefault((layer.op, shape), []).append(layer.value)
    return [
        Compared(model, kind, mine, theirs, mine / report.latency.value)
        for kind, values in ours.items()
        if len(peer.get(kind, ())) == len(values)
        for mine, theirs in zip(sorted(values), peer[kind], strict=True)
    ]


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", help="name of a model; all by default")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of reference models")
    options = parser.parse_args()
    known = peer_layers((options.shared / "design/SPEED.md").read_text(encoding="utf-8"))
    worse = False
    for name in options.model or sorted(known):
        if name not in known:
            raise TinycompError(
                f"There are no layers of a peer for {name!r}.",
                expected=f"Expected one of: {', '.join(sorted(known))}.",
            )
        report, _ = build(model_path(name, options.shared), Case(BOARD, name))
        layers = compared(report, name, known[name])
        covered = sum(layer.share for layer in layers)
        print(f"{name}: {len(layers)} layers compared, {covered:.1%} of the instructions")
        for layer in (layer for layer in layers if layer.slower):
            op, shape = layer.kind
            print(
                f"  {op} -> {shape}: {layer.ours:,} instructions, {layer.share:.1%} of the "
                f"model's; the peer takes {layer.peer:,}"
            )
            worse = True
    return int(worse)


if __name__ == "__main__":
    ended(main)
