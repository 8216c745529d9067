"""Training under constraints: converts a float Graph to a Keras model, and back after training.

    model = trainable(graph, [Prune(0.9), Int8()])  # a keras.Model
    model.compile(...); model.fit(...)              # with any data pipeline
    graph = finish(model)                           # the float Graph with the trained constants
    tflite = export_int8(model, samples)            # or the int8 .tflite at once

docs/python.md explains it; examples/ has programs that use it.
"""

from tinycomp.train.export import export_int8
from tinycomp.train.fine_tune import FineTune
from tinycomp.train.int8 import Int8
from tinycomp.train.keep_zeros import KeepZeros
from tinycomp.train.model import finish, trainable
from tinycomp.train.prune import Prune
from tinycomp.train.rate import Rate
from tinycomp.train.share import Share
from tinycomp.train.sparse import Sparse

__all__ = [
    "FineTune",
    "Int8",
    "KeepZeros",
    "Prune",
    "Rate",
    "Share",
    "Sparse",
    "export_int8",
    "finish",
    "trainable",
]
