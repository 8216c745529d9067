"""What a model file contains, as its own format names it, whether it can be built or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.frontend.formats import require_model


@dataclass(frozen=True)
class Survey:
    """The operators or layers of a file."""

    kind: str
    """"tflite", "onnx", "keras", or "other" for files whose operators a converter chooses."""
    operators: Mapping[str, int]
    """How many there are of each; empty for "other"."""
    types: tuple[str, ...] = ()
    """The types of computed tensors, where the file tells."""


def survey(path: Path) -> Survey:
    """The operators of a file, without reading further.

    Raises:
        ModelError: the file can't be read.
    """
    require_model(path)
    reader = {".tflite": _tflite, ".onnx": _onnx, ".keras": _keras, ".h5": _keras}.get(path.suffix)
    return Survey("other", {}) if reader is None or path.is_dir() else reader(path)


def _tflite(path: Path) -> Survey:
    from tinycomp.frontend._tflite_decode import read_file
    from tinycomp.frontend.tflite import standard_tflite

    file = read_file(standard_tflite(path), path.stem)
    names = [op.custom if op.custom else op.builtin for op in file.operators]
    computed = {file.tensors[index].dtype for op in file.operators for index in op.outputs}
    return Survey("tflite", _counted(names), tuple(sorted(computed)))


def _onnx(path: Path) -> Survey:
    from tinycomp.frontend._onnx_file import import_onnx

    onnx = import_onnx()
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except Exception as error:  # protobuf's decoders raise several types
        raise ModelError(f"{path} is no ONNX model, or damaged.") from error
    names = [
        f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type
        for node in model.graph.node
    ]
    return Survey("onnx", _counted(names))


def _keras(path: Path) -> Survey:
    from tinycomp.frontend._keras_file import open_keras

    return Survey("keras", _counted(list(_layers(open_keras(path).config))))


def _layers(entry: Mapping[str, Any]) -> Iterator[str]:
    """Class names of layers, nested ones included."""
    config = entry.get("config")
    layers = config if isinstance(config, list) else None
    if isinstance(config, Mapping):
        layers = config.get("layers")
    if not isinstance(layers, list):
        yield str(entry.get("class_name"))
        return
    for layer in layers:
        if isinstance(layer, Mapping):
            yield from _layers(layer)


def _counted(names: list[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
