"""Reads a TensorFlow SavedModel folder, by way of TensorFlow's converter to a float .tflite."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.common.installing import extra
from tinycomp.frontend.keras import silent_standard_error
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph

_SIGNATURE = "serving_default"


def read_saved_model(path: Path) -> Graph:
    """The float graph of the signature for inference; the graph has the folder's name.

    Raises:
        ModelError: the folder is damaged or has no signature; the converter can't convert it; it
            has unsupported parts.
    """
    return parse_tflite(_converted(path), path.name)


def _converted(path: Path) -> bytes:
    """The .tflite of the signature, for a batch of 1."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silent_standard_error(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with extra("keras", "Reading a SavedModel", "TensorFlow"):
            import tensorflow

        model = _loaded(tensorflow, path)
        function = _fixed(tensorflow, model.signatures[_key(model, path)], path)
        try:
            convert = tensorflow.lite.TFLiteConverter.from_concrete_functions
            return bytes(convert([function], model).convert())
        except Exception as error:  # the converter raises any type
            reason = " ".join(str(error).split())[:300]
            raise ModelError(
                f"TensorFlow can't convert {path} to a .tflite: {reason}",
                hint="Save the Keras model that it was exported from as .keras.",
            ) from error


def _loaded(tensorflow: Any, path: Path) -> Any:
    try:
        return tensorflow.saved_model.load(str(path))
    except Exception as error:  # TensorFlow raises any type for a broken folder
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"TensorFlow can't load {path}: {reason}", hint="Export or copy the folder again."
        ) from error


def _key(model: Any, path: Path) -> str:
    """The name of the signature for inference, or of the only one."""
    names = list(model.signatures)
    if _SIGNATURE in names or len(names) == 1:
        return _SIGNATURE if _SIGNATURE in names else str(names[0])
    raise ModelError(
        f"The SavedModel {path} has the signatures {names}.",
        expected=f"Expected one named {_SIGNATURE!r}, or a single one.",
        hint="Export it with model.export(folder), or save the Keras model as .keras.",
    )


def _fixed(tensorflow: Any, signature: Any, path: Path) -> Any:
    """The signature as a function of inputs with a batch of 1.

    Raises:
        ModelError: an input has another open axis.
    """
    _, inputs = signature.structured_input_signature
    specs = {}
    for name, spec in inputs.items():
        shape = spec.shape.as_list() if spec.shape.rank is not None else [None, None]
        if None in shape[1:]:
            raise ModelError(
                f"The input {name!r} of {path} has the shape {tuple(shape)}.",
                expected="Expected fixed sizes; only the first one, the batch, may be open.",
                hint="Export the model again with a fixed input shape.",
            )
        fixed = [1 if size is None else size for size in shape]
        specs[name] = tensorflow.TensorSpec(fixed, spec.dtype, name)
    return tensorflow.function(lambda **tensors: signature(**tensors)).get_concrete_function(
        **specs
    )
