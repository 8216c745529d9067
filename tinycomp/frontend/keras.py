"""Reads a Keras model: .keras, and .h5 of Keras 2 and 3.

The file's configuration and arrays are all that is needed: Keras is not imported.
"""

from __future__ import annotations

import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tinycomp.common.blockers import Blockers
from tinycomp.common.errors import ModelError
from tinycomp.common.installing import extra
from tinycomp.frontend._keras_calls import output_names
from tinycomp.frontend._keras_config import broken_configurations, clean_model, model_inputs
from tinycomp.frontend._keras_file import open_keras
from tinycomp.frontend._keras_graph import KerasWalk
from tinycomp.frontend._keras_layouts import without_front_input
from tinycomp.frontend._keras_legacy import with_old_activations
from tinycomp.frontend._keras_weights import read_arrays
from tinycomp.ir.graph import Graph, GraphBuilder, named_ends

_NO_NAME = re.compile("[^A-Za-z0-9_]")
_MOST_AXES = 4
"""Of an input: a sequence of images."""


def read_keras(path: Path) -> Graph:
    """A Keras model as a float Graph, layer for layer; the graph has the file's name.

    Layers without effect at inference are omitted; nested models are flattened.

    Raises:
        ModelError: the file can't be read, or has unsupported parts; the text names them all.
    """
    file = open_keras(path)
    blockers = Blockers(repr(path.name))
    model = clean_model(with_old_activations(file.config, file.version), blockers)
    builder = GraphBuilder(path.stem)
    with broken_configurations():
        inputs = [builder.input(name, shape) for name, shape in model_inputs(model)]
        for reason in _shapes(path, builder, inputs):
            blockers.add(reason)
        if not all(1 <= len(builder.tensors[name].shape) <= _MOST_AXES for name in inputs):
            blockers.raise_any()
        walk = KerasWalk(builder, blockers, read_arrays(path, file.suffix, model))
        outputs = walk.outputs(model, inputs)
    blockers.raise_any()
    graph = without_front_input(builder.build(outputs))
    return named_ends(graph, output_names(file.config.get("config")))


def read_live_keras(model: Any) -> Graph:
    """A Keras model in memory as a float Graph with its name, read as its file is.

    Raises:
        ModelError: it has unsupported parts; the text names them all.
    """
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
        path = Path(folder) / f"{_NO_NAME.sub('_', model.name)}.keras"
        with warnings.catch_warnings():  # Keras uses what NumPy 2 deprecates
            warnings.simplefilter("ignore", DeprecationWarning)
            model.save(path)
        return read_keras(path)


def _shapes(path: Path, builder: GraphBuilder, inputs: Sequence[str]) -> Iterator[ModelError]:
    """Refuse unsupported shapes of inputs."""
    for name in inputs:
        shape = builder.tensors[name].shape
        if not 1 <= len(shape) <= _MOST_AXES:
            which = f" {name!r}" if len(inputs) > 1 else ""
            yield ModelError(
                f"The input{which} of {path} has shape {shape}.",
                expected="Expected one to four axes: steps, height, width, channels.",
            )


def import_keras(purpose: str = "Training") -> Any:
    """The keras module, imported without TensorFlow's log on standard error.

    Args:
        purpose: what takes it, as the subject of a sentence.

    Raises:
        ToolError: Keras or its backend is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silent_standard_error(), warnings.catch_warnings(), extra("keras", purpose, "Keras"):
        warnings.simplefilter("ignore")
        import keras

        keras.backend.backend()
    return keras


def require_keras(purpose: str = "Training") -> None:
    """Refuse early where Keras is missing, without the seconds that its import takes.

    Args:
        purpose: what takes it, as the subject of a sentence.

    Raises:
        ToolError: Keras is not installed.
    """
    with extra("keras", purpose, "Keras"):
        if find_spec("keras") is None:
            raise ModuleNotFoundError("No module named 'keras'", name="keras")


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
