"""Reads a Keras model: .keras, and .h5 of Keras 2 and 3.

Keras loads a copy of the file whose configuration has been checked and reduced.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.frontend._keras_config import clean_model
from tinycomp.frontend._keras_file import KerasFile, open_keras
from tinycomp.frontend._keras_graph import KerasWalk
from tinycomp.ir.graph import Graph, GraphBuilder


def read_keras(path: Path) -> Graph:
    """A Keras model as a float Graph, layer for layer; the graph has the file's name.

    Layers without effect at inference are omitted; nested models are flattened.

    Raises:
        ModelError: the file can't be read, or has unsupported parts; the text names them all.
    """
    file = open_keras(path)
    blockers = Blockers(repr(path.name))
    model = _load(file, clean_model(file.config, blockers))
    builder = GraphBuilder(path.stem)
    inputs = [builder.input(tensor.name, tuple(tensor.shape)[1:]) for tensor in model.inputs]
    for reason in _shapes(path, builder, inputs):
        blockers.add(reason)
    if not all(1 <= len(builder.tensors[name].shape) <= 3 for name in inputs):
        blockers.raise_any()
    outputs = KerasWalk(builder, blockers).model(model, inputs)
    blockers.raise_any()
    return builder.build(outputs)


def _shapes(path: Path, builder: GraphBuilder, inputs: Sequence[str]) -> Iterator[ModelError]:
    """Refuse unsupported shapes of inputs."""
    for name in inputs:
        shape = builder.tensors[name].shape
        if not 1 <= len(shape) <= 3:
            which = f" {name!r}" if len(inputs) > 1 else ""
            yield ModelError(
                f"The input{which} of {path} has shape {shape}.",
                expected="Expected one to three axes: height, width, channels.",
            )


def import_keras() -> Any:
    """The keras module, imported without TensorFlow's log on standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silent_standard_error(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras

        keras.backend.backend()
    return keras


def _load(file: KerasFile, config: dict[str, Any]) -> Any:
    """The model loaded by Keras from the file's weights and the reduced configuration."""
    keras = import_keras()
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        copy = Path(folder) / f"model{file.suffix}"
        file.write_copy(copy, config)
        try:
            with silent_standard_error():
                return keras.models.load_model(copy, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises any type for a broken file
            reason = " ".join(str(error).split())[:300]
            raise ModelError(
                f"Keras can't load {file.path}: {reason}",
                hint="Open it with the Keras that wrote it and save it again as .keras or .h5.",
            ) from error


@contextmanager
def silent_standard_error() -> Iterator[None]:
    """Discard file descriptor 2: TensorFlow's C++ code always logs there."""
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
