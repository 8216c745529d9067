"""Runs the reference simulator over a data set; nothing is built."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinycomp.common.progress import Progress
from tinycomp.data.score import Score
from tinycomp.data.scored import notes_of
from tinycomp.emit.folder import refuse_existing_file, write_file
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.options.build import Preparation
from tinycomp.options.data import DataOptions
from tinycomp.passes.bundle_outputs import output_parts
from tinycomp.prepare import prepare
from tinycomp.proof.accuracy import evaluate_int8
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.reference.simulate import run


@dataclass(frozen=True)
class Simulation:
    """What the simulator computed."""

    samples: int
    """Number of samples."""
    score: Score | None
    """Of the output that counts; None if there is nothing to score it by."""
    other_scores: tuple[Score, ...] = ()
    """Of the other outputs that can be scored."""

    @property
    def text(self) -> str:
        """A line for each score."""
        if self.score is None:
            return f"{self.samples} samples were run; there is nothing to score them by."
        return "\n".join(map(_line, (self.score, *self.other_scores)))


def _line(score: Score) -> str:
    others = (f"{key} {value:.4f}" for key, value in score.others.items() if value is not None)
    listed = ", ".join([f"{score.value:.4f}", *others])
    of = f" of {score.output!r}" if score.output else ""
    return f"{score.metric}{of} on {score.samples} samples: {listed}"


def simulate(
    model: Path, data: Path, options: DataOptions, output: Path | None, force: bool,
    progress: Progress,
) -> Simulation:  # fmt: skip
    """Run the reference simulator over the evaluation half of a data set.

    Args:
        model: an int8 .tflite, or a Keras model, which is quantized first.
        data: the samples.
        options: how to read them.
        output: where to write the int8 outputs, an .npz; None: nowhere.
        force: whether an existing file may be replaced.
        progress: shows the stages.

    Raises:
        TinycompError: the model, the data or the output file can't be used.
    """
    if output is not None:
        refuse_existing_file(output, force=force)
    prepared = prepare(Preparation(model, data, options), progress)
    assert prepared.dataset is not None
    for note in notes_of(prepared.scored):
        progress.note(note)
    x = prepared.dataset.x_test
    with progress.stage(f"Simulating {len(x)} samples"):
        found = evaluate_int8(prepared.graph, prepared.scored, x)
        if output is not None:
            archive = io.BytesIO()
            np.savez(archive, allow_pickle=False, **_outputs(prepared.graph, x))
            write_file(output, archive.getvalue(), force=force)
    scores = [each for each in found if each is not None]
    return Simulation(len(x), scores[0] if scores else None, tuple(scores[1:]))


def _outputs(graph: Graph, x: Array) -> dict[str, Array]:
    """The outputs of all samples, and what makes real numbers of them:
    (output - zero_point) * scale. Of several outputs, one after the other, also their sizes.
    """
    found = run(graph, quantize_inputs(graph, x))
    parts = [part for part in output_parts(graph) if part.quantization is not None]
    scales = [part.quantization.scale for part in parts if part.quantization]
    zero_points = [part.quantization.zero_point for part in parts if part.quantization]
    several = len(parts) > 1
    return {
        "output": found,
        "scale": np.array(scales if several else scales[0], np.float32),
        "zero_point": np.array(zero_points if several else zero_points[0], np.int32),
        **({"size": np.array([part.size for part in parts])} if several else {}),
    }
