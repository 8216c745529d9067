"""A trained model as a standard int8 .tflite, without a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tinycomp.common.progress import Silent
from tinycomp.data.dataset import Dataset
from tinycomp.ir.tensor import Array
from tinycomp.prepare import prepare_trained
from tinycomp.techniques.recipe import Recipe
from tinycomp.train.ends import joined
from tinycomp.train.model import finish


def export_int8(model: Any, samples: Array | Mapping[str, Array]) -> bytes:
    """The int8 .tflite of a model of `trainable`, as it is now.

    Weights on a grid and rounded activations keep their values; other ranges are calibrated. The
    file says by which constraints it was trained, so that `tinycomp build` stores its weights as
    those of a compressed model.

    Args:
        model: trained by `fit` or by a loop of your own.
        samples: real inputs (samples, *input shape) for calibration; some hundreds. Of
            several inputs, an array for each name.

    Raises:
        DataError: the samples don't have the shape of the model's input.
        ModelError: the graph can't be quantized.
    """
    graph, training = finish(model), model.tinycomp
    x = joined(graph, samples)
    steps = [{"technique": each.name, **asdict(each)} for each in training.constraints]
    compression = {"steps": steps} if steps else {}
    data = Dataset(x, None, x, None)
    return prepare_trained(graph, training.rounding, data, Recipe(), compression, Silent()).tflite
