"""A model file as a graph, and a float graph in its plainest form."""

from __future__ import annotations

from pathlib import Path

from tinycomp.frontend.formats import format_of
from tinycomp.ir.graph import Graph
from tinycomp.passes.fold_batch_normalization import fold_batch_normalization
from tinycomp.passes.fold_padding import fold_padding
from tinycomp.passes.fuse_activation import fuse_activation
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.passes.remove_dead_nodes import remove_dead_nodes
from tinycomp.passes.remove_identity import remove_identity
from tinycomp.passes.remove_reshapes import remove_reshapes
from tinycomp.passes.scale_constants import scale_constants


def read_model(path: Path) -> Graph:
    """A float graph from Keras, ONNX or a float .tflite, an int8 graph from an int8 .tflite.

    Raises:
        ModelError: no such file, another kind of file, or one that can't be read.
    """
    return format_of(path).read(path)


def is_float(graph: Graph) -> bool:
    """Whether the graph still has to be quantized."""
    return graph.tensors[graph.inputs[0]].dtype == "float32"


def clean_up(graph: Graph) -> Graph:
    """All rewrites of a float graph, in order."""
    for rewrite in (
        scale_constants,
        remove_identity,
        remove_reshapes,
        fold_padding,
        fold_batch_normalization,
        lower_batch_normalization,
        remove_reshapes,
        fuse_activation,
        remove_dead_nodes,
    ):
        graph = rewrite(graph)
    return graph
