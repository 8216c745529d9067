"""One case of the fuzzer: a model, a board, options, and the outcome."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import random_graphs
import random_models
import random_sequences
from delays import cut, delayed, some, with_variables
from wide_graphs import wide_graph

from tinycomp.common.errors import BoardError, DataError, ModelError, TinycompError
from tinycomp.common.progress import Silent
from tinycomp.options.build import BuildOptions, PlanOptions, Preparation
from tinycomp.pipeline import build
from tinycomp.quantization.export import write_tflite

EMULATED = ("cortex-m0", "cortex-m4", "cortex-m55", "rv32imc", "mega")
SEVERAL_INPUTS, VARIABLES = 0.15, 0.1
"""The fractions of graphs with several inputs, and of those that keep variables."""
WIDE, OVER_TIME = 0.3, 0.3
"""The fractions of models with 16-bit activations, and of those with recurrent layers."""
REFUSALS = (BoardError, DataError, ModelError)
"""Errors that can be legitimate: too large, out of bounds. Others (a failing compiler, a silent
device, differing executions, an impossible state) never are.
"""

PLAIN: dict[str, Any] = {
    "board": "host",
    "push_input": False,
    "ram_limit": None,
    "sparsity": 0.0,
    "codebook_bits": None,
    "optimize": "balanced",
    "activations": 8,
    "mixed": False,
    "over_time": False,
}
"""Values that the minimizer tries for each option."""


@dataclass(frozen=True)
class FuzzCase:
    """A build, drawn from the seed; the minimizer changes `left_out` and removes options."""

    seed: int
    kind: str
    """"graph": an int8 graph, as a .tflite; "model": a Keras model with data."""
    board: str
    optimize: Any = "balanced"
    codebook_bits: int | None = None
    sparsity: float = 0.0
    push_input: bool = False
    ram_limit: int | None = None
    left_out: tuple[int, ...] = ()
    activations: int = 8
    """Bits."""
    mixed: bool = False
    """Whether layers of a graph on 16-bit activations draw 8 or 16 bits, each for itself."""
    over_time: bool = False
    """Whether there are recurrent layers."""

    @property
    def steps(self) -> int:
        """The number of steps of the original model."""
        return (random_graphs if self.kind == "graph" else random_models).steps(self.seed)

    def options(self) -> list[str]:
        """Command line options."""
        found = ["--board", self.board, "--optimize", self.optimize]
        if self.codebook_bits:
            found += ["--codebook-bits", str(self.codebook_bits)]
        if self.sparsity:
            found += ["--sparsity", str(self.sparsity)]
        if self.push_input:
            found.append("--push-input")
        if self.ram_limit:
            found += ["--ram-limit", str(self.ram_limit)]
        if self.activations != PLAIN["activations"] and self.kind == "model":
            found += ["--activations", str(self.activations)]
        return found


def draw(seed: int, boards: Collection[str] = ()) -> FuzzCase:
    """The case of a seed. Two in three run only on the host, the others also on an emulated board,
    unless boards are given.
    """
    rng = np.random.default_rng((seed, 7))
    usual = [*["host"] * 2 * len(EMULATED), *EMULATED]
    among = sorted(boards) if boards else usual
    return FuzzCase(
        seed,
        kind=("graph", "model")[rng.integers(2)],
        board=str(rng.choice(among)),
        optimize=str(rng.choice(["ram", "balanced", "speed"])),
        codebook_bits=(None, None, 1, 2, 3, 4, 8)[rng.integers(7)],
        sparsity=(0.0, 0.0, 0.3, 0.6, 0.9, 0.999)[rng.integers(6)],
        push_input=bool(rng.random() < 0.25),
        ram_limit=int(rng.integers(300, 6000)) if rng.random() < 0.25 else None,
        activations=16 if rng.random() < WIDE else 8,
        mixed=bool(rng.random() < 0.5),
        over_time=bool(rng.random() < OVER_TIME),
    )


def write_model(case: FuzzCase, folder: Path) -> tuple[Path, Path | None]:
    """Write the case's model, and its data if it needs any; returns the paths."""
    if case.kind == "graph":
        path = folder / "model.tflite"
        path.write_bytes(_tflite(case))
        return path, None
    more = random_models.OVER_TIME if case.over_time else ()
    model = random_models.random_model(case.seed, case.left_out, more)
    data = folder / "data.npz"
    np.savez(data, **random_models.random_data(model, case.seed))
    model.save(folder / "model.keras")
    return folder / "model.keras", data


def _tflite(case: FuzzCase) -> bytes:
    """A random graph; a few with several inputs, and a few with variables."""
    more = random_sequences.OVER_TIME if case.over_time else ()
    graph = random_graphs.random_graph(case.seed, case.left_out, more)
    if case.activations == 16:
        graph, _ = wide_graph(graph, case.seed, mixed=case.mixed)
    drawn = np.random.default_rng((case.seed, 1 << 21)).random()
    if drawn < SEVERAL_INPUTS:
        return write_tflite(cut(graph, some(graph, 2, case.seed)))
    if drawn > 1 - VARIABLES:
        return with_variables(delayed(graph, some(graph, 3, case.seed), case.seed))
    return write_tflite(graph)


def run(case: FuzzCase, folder: Path) -> dict[str, Any]:
    """Build and verify in a new folder: {"outcome": "equal", "refused" or "failed", "text"}.

    The text is the refusal or the error.
    """
    try:
        model, data = write_model(case, folder)
        wanted = Preparation(
            model, data, codebook_bits=case.codebook_bits, sparsity=case.sparsity, name="fuzzed",
            activations=case.activations if case.kind == "model" else 8,
        )  # fmt: skip
        planning = PlanOptions(case.optimize, case.ram_limit, case.push_input)
        options = BuildOptions(
            wanted, case.board, folder / "out", samples=3, bench=False, planning=planning
        )
        build(options, Silent())
    except REFUSALS as error:
        return {"outcome": "refused", "text": str(error)}
    except TinycompError as error:
        return {"outcome": "failed", "text": f"{type(error).__name__}: {error}"}
    except Exception:  # a traceback is what the fuzzer looks for
        return {"outcome": "failed", "text": traceback.format_exc(limit=-6)}
    return {"outcome": "equal", "text": ""}


def simpler(case: FuzzCase) -> list[FuzzCase]:
    """Simpler cases, each with one change, largest changes first."""
    found = []
    kept = [step for step in range(1, case.steps + 1) if step not in case.left_out]
    for count in (len(kept) // 2, 1):
        for start in range(0, len(kept), max(count, 1)):
            gone = (*case.left_out, *kept[start : start + max(count, 1)])
            if count:
                found.append(replace(case, left_out=tuple(sorted(gone))))
    for name, value in PLAIN.items():
        if getattr(case, name) != value:
            found.append(replace(case, **{name: value}))
    return found


def script(case: FuzzCase, folder: Path) -> str:
    """A shell script that builds the case's model from that folder."""
    model = folder / ("model.tflite" if case.kind == "graph" else "model.keras")
    words = ["tinycomp", "build", str(model), *case.options(), "-o", str(folder / "out"), "--force"]
    if case.kind == "model":
        words += ["--data", str(folder / "data.npz")]
    return f"# {case}\n{shlex.join(words)}\n"
