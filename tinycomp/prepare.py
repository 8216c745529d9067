"""From a model file to the int8 graph that is emitted, and to its .tflite: read, clean up, compress, quantize."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinycomp.data import DataOptions, Dataset, load_data
from tinycomp.errors import DataError, ModelError
from tinycomp.ir import Graph
from tinycomp.progress import Progress

KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
TFLITE_SUFFIX = ".tflite"


@dataclass(frozen=True)
class Preparation:
    """What the user asked for: a model, data, and compression."""

    model: Path
    data: Path | None = None
    data_options: DataOptions = field(default_factory=DataOptions)
    codebook_bits: int | None = None
    sparsity: float = 0.0
    recipe: Path | None = None
    calibration: str | None = None
    name: str | None = None

    @property
    def compresses(self) -> bool:
        """Whether anything beyond int8 was asked for."""
        return bool(self.recipe or self.sparsity or (self.codebook_bits or 8) < 8)


@dataclass(frozen=True, eq=False)
class Prepared:
    """The model as it will be emitted.

    graph: int8, compressed. tflite: the same model as a standard .tflite. dense: int8 without compression, where that
    differs. float_tflite: the float model, where there is one.
    """

    graph: Graph
    tflite: bytes
    dataset: Dataset | None = None
    dense: Graph | None = None
    float_tflite: bytes | None = None
    compression: dict[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Identifies the model: of its .tflite."""
        return hashlib.sha256(self.tflite).hexdigest()


def read_model(path: Path) -> Graph:
    """A float graph from Keras, an int8 graph from TFLite.

    Raises:
        ModelError: no such file, another kind of file, or one that can't be read.
    """
    if not path.is_file():
        raise ModelError(f"There is no model file '{path}'.", hint="Check the path.")
    if path.suffix == TFLITE_SUFFIX:
        from tinycomp.frontend.tflite import read_tflite

        return read_tflite(path)
    if path.suffix in KERAS_SUFFIXES:
        from tinycomp.frontend.keras import read_keras

        return read_keras(path)
    raise ModelError(
        f"'{path}' is no kind of model that is known.",
        expected=f"Expected {', '.join(KERAS_SUFFIXES)} or an int8 {TFLITE_SUFFIX}.",
        hint="Save a Keras model with model.save('model.keras').",
    )


def is_float(graph: Graph) -> bool:
    """Whether the graph still has to be quantized."""
    return graph.tensors[graph.inputs[0]].dtype == "float32"


def require_data(wanted: Preparation) -> Path:
    """The data file that calibration needs.

    Raises:
        DataError: none was given.
    """
    if wanted.data is None:
        raise DataError(
            f"'{wanted.model}' is a float model, and --data was not given: quantization needs real inputs to calibrate on.",
            expected="Expected an .npz with x_train, x_test, y_test (or x, y).",
            hint="Add --data samples.npz.",
        )
    return wanted.data


def load_samples(wanted: Preparation, graph: Graph, progress: Progress) -> Dataset | None:
    """The data set for this model's input, if one was named; what it has to say becomes notes."""
    if wanted.data is None:
        return None
    with progress.stage(f"Reading {wanted.data.name}"):
        dataset = load_data(wanted.data, graph.tensors[graph.inputs[0]].shape, wanted.data_options)
    for note in dataset.notes:
        progress.note(note)
    return dataset
