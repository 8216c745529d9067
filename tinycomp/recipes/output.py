"""The files that `tinycomp compress` writes: int8 .tflite, or .keras of the float model."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tinycomp.common.errors import OutputError
from tinycomp.emit.folder import write_file
from tinycomp.frontend.keras_export import keras_model, write_keras
from tinycomp.ir.graph import Graph
from tinycomp.prepare import TFLITE_SUFFIX
from tinycomp.reading import clean_up, read_model

KERAS_SUFFIX = ".keras"


def require_writable(output: Path, model: Path) -> None:
    """Check before any training that the model can be written as this kind of file.

    Args:
        output: the file to write.
        model: the float model before compression.

    Raises:
        OutputError: the suffix is unknown.
        ModelError: a layer of the model has no standard Keras layer.
    """
    if output.suffix not in (TFLITE_SUFFIX, KERAS_SUFFIX):
        raise OutputError(
            f"The output '{output}' is not a .tflite or .keras file.",
            hint=f"Name it {output.stem}.tflite.",
        )
    if output.suffix == KERAS_SUFFIX:
        keras_model(clean_up(read_model(model)))


def content(output: Path, tflite: bytes, graph: Graph) -> bytes:
    """The bytes of the file.

    Args:
        output: its path, whose suffix decides.
        tflite: the int8 model.
        graph: the trained float model.
    """
    if output.suffix == TFLITE_SUFFIX:
        return tflite
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as folder:
        path = Path(folder) / output.name
        write_keras(clean_up(graph), path)
        return path.read_bytes()


def save(output: Path, written: bytes, force: bool) -> None:
    """Write the file, or save it in the system's folder for temporary files.

    Raises:
        OutputError: the file can't be written; the message says where it was saved instead.
    """
    try:
        write_file(output, written, force=force)
    except OutputError as error:
        elsewhere = Path(tempfile.mkdtemp(prefix="tinycomp-")) / output.name
        try:
            write_file(elsewhere, written)
        except OutputError:
            raise error from None
        raise OutputError(f"{error} The model was saved as '{elsewhere}' instead.") from error
