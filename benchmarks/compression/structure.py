"""Shrinks an image classifier by structure techniques, distils it, and measures it.

    python -m benchmarks.compression.structure vgg.keras cifar10.npz small.tflite
        --step 'channels {"macs": 0.4, "criterion": "taylor"}' [--copies 4] [--passes 3]
        [--rounds 1] [--rate 0.01] [--seed 0]
    python -m benchmarks.compression.structure small.tflite cifar10.npz

The input model is the teacher: its outputs on augmented copies of the training images are computed
once. A tenth of the training images is held out to choose options. The second form scores the whole
test half, and builds for the emulated Cortex-M4. Without --step the model is only quantized.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.compression.vgg import augmented
from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.compress._registry import techniques
from tinycomp.compress._technique import Samples, Technique
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.options.build import AUTO, Preparation
from tinycomp.quantize.export import write_tflite
from tinycomp.quantize.selection import closest
from tinycomp.reading import clean_up, read_model
from tinycomp.reference import oracle
from tinycomp.report.record import Report
from tinycomp.train.loop import train
from tinycomp.train.losses import Supervision
from tinycomp.train.model import finish, trainable
from tinycomp.train.schedule import Schedule, split

CALIBRATION = 500


@dataclass(frozen=True, eq=False)
class Images:
    """The training half of a data set, split."""

    x: Array
    """Training images, float32."""
    y: Array
    """Classes of the training images."""
    x_held: Array
    """Held-out images."""
    y_held: Array
    """Classes of the held-out images."""

    def accuracy(self, graph: Graph) -> float:
        """Accuracy of a float graph on the held-out images, computed by LiteRT."""
        outputs = oracle.run_float(write_tflite(clean_up(graph)), self.x_held)
        return float(np.mean(next(iter(outputs.values())).argmax(axis=-1) == self.y_held))


def read(path: Path, seed: int) -> Images:
    """Read the training half, and hold out a tenth."""
    with np.load(path) as archive:
        x, y = archive["x_train"].astype(np.float32), archive["y_train"].astype(np.int64)
    rows, held = split(len(x), 0.1, seed)
    return Images(x[rows], y[rows], x[held], y[held])


def technique(text: str) -> Technique:
    """A technique from text: its name, then its options as JSON."""
    name, _, options = text.partition(" ")
    return techniques()[name](**json.loads(options or "{}"))


def distilled(student: Graph, teacher: Graph, images: Images, given: argparse.Namespace) -> Graph:
    """The student, trained on the teacher's outputs on augmented copies."""
    rng = np.random.default_rng(given.seed)
    copies = np.concatenate([augmented(images.x, rng) for _ in range(given.copies)])
    soft = trainable(teacher, logits=True).predict(copies, verbose=0, batch_size=256)
    model = trainable(student, logits=True)
    schedule = Schedule(given.passes, 64, rate=given.rate, temperature=4.0, imitation=0.9,
                        validation=0.0, seed=given.seed, average=0.998)  # fmt: skip
    targets = Supervision.classes(soft, np.tile(images.y, given.copies))
    started = time.monotonic()

    def report(epoch: object) -> None:
        held = images.accuracy(finish(model))
        print(f"  {epoch}, {held:.2%} held out, {time.monotonic() - started:.0f} s", flush=True)

    train(model, copies, targets, schedule, Silent(), report=report)
    return finish(model)


def measured(model: Path, data: Path) -> Report:
    """Build for the emulated Cortex-M4, and score on the whole test half."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Preparation(model, data)
        options = pipeline.BuildOptions(wanted, "cortex-m4", Path(folder) / "out", samples=2)
        return pipeline.build(options, Silent())


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path, nargs="?")
    parser.add_argument("--step", action="append", default=[])
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def show(report: Report) -> None:
    """Print the results of a build."""
    accuracy, latency = report.accuracy, report.latency
    assert accuracy is not None
    assert latency is not None
    print(
        f"test: {accuracy.int8:.2%} of {accuracy.samples}, {report.model.macs:,} multiply-"
        f"accumulates, {latency.value:,} {latency.unit}, {report.flash}, {report.ram}, "
        f"verified: {all(each.equal for each in report.verify)}"
    )


def main() -> None:
    """Run the command line."""
    given = arguments()
    if given.model.suffix == ".tflite":
        show(measured(given.model, given.data))
        return
    images = read(given.data, given.seed)
    graph = teacher = read_model(given.model)
    print(f"{graph.cost()}, {images.accuracy(graph):.2%} held out", flush=True)
    samples = Samples(images.x[:1024], images.y[:1024])
    for _ in range(given.rounds if given.step else 0):
        for step in given.step:
            before = len(graph.notes)
            graph = technique(step).apply(graph, samples)
            held = images.accuracy(graph)
            print(f"{step}: {graph.cost()}, {held:.2%} held out", *graph.notes[before:], flush=True)
        graph = distilled(graph, teacher, images, given)
    x = images.x[:: len(images.x) // CALIBRATION][:CALIBRATION]
    int8 = closest(clean_up(graph), x, AUTO, None, Silent())
    given.output.write_bytes(write_tflite(int8.graph))
    print(f"{graph.cost()}, {images.accuracy(graph):.2%} held out, in float", flush=True)


if __name__ == "__main__":
    main()
