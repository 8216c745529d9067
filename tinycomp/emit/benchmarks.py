"""The benchmarks of MLPerf Tiny: their names, and the formats of inputs and results.

Source: mlcommons/tiny, benchmark/runner and the reference submissions.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph

InputFormat = Literal["INT8", "UINT8", "FLOAT32"]
"""Format of an input element in `db`: the int8 tensor, the tensor plus 128, or a real value."""


@dataclass(frozen=True)
class Benchmark:
    """One of the five."""

    name: str
    """Value of --benchmark."""
    profile: str
    """Name in the runner."""
    title: str
    """Name in the runner's test scripts."""
    elements: int
    """Number of elements of an input."""
    input_format: InputFormat
    """Their format in `db`."""
    warm_up: int = 10
    """Number of warm-up inferences, as in the runner's own scripts."""
    reconstructs: bool = False
    """Whether the result is the mean squared error between outputs and inputs."""
    streams: bool = False
    """Whether the runner plays audio to the device, instead of sending tensors."""


BENCHMARKS = (
    Benchmark("kws", "kws01", "keyword_spotting", 490, "INT8"),
    Benchmark("vww", "vww01", "person_detection", 27_648, "UINT8", 5),
    Benchmark("ic", "ic01", "image_classification", 3_072, "UINT8", 5),
    Benchmark("ad", "ad01", "anomaly_detection", 640, "FLOAT32", reconstructs=True),
    Benchmark("sww", "sww01", "streaming_wakeword", 1_200, "INT8", streams=True),
)
_ALSO = {"str": "sww"}
"""Other first words of the published models' names."""


def benchmark_named(name: str | None) -> Benchmark | None:
    """The benchmark with a name."""
    return next((benchmark for benchmark in BENCHMARKS if benchmark.name == name), None)


def benchmark_of(prefix: str) -> Benchmark | None:
    """The benchmark of a library, by the first word of its name, without digits."""
    word = prefix.split("_")[0].rstrip("0123456789")
    return benchmark_named(_ALSO.get(word, word))


def require_benchmark(benchmark: Benchmark, graph: Graph) -> None:
    """Refuse a model that can't be this benchmark.

    Raises:
        ModelError: its input, or the output of a reconstruction, has another size.
    """
    for what, names in (("input", graph.inputs), ("output", graph.outputs)):
        size = prod(graph.tensors[names[0]].shape)
        if size != benchmark.elements and (what == "input" or benchmark.reconstructs):
            raise ModelError(
                f"The {what} of '{graph.name}' has {size:,} values; that of the benchmark "
                f"{benchmark.name} has {benchmark.elements:,}.",
                hint="Name the benchmark that the model is made for, or leave --benchmark out.",
            )
