"""Recipe steps, and the constraints that later steps keep."""

from __future__ import annotations

from dataclasses import is_dataclass

import numpy as np
from small_networks import network, task

from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.techniques._technique import Technique
from tinycomp.techniques.recipe import Recipe
from tinycomp.train._registry import POST_TRAINING, kinds
from tinycomp.train.constraint import Constraint
from tinycomp.train.fine_tune import FineTune
from tinycomp.train.int8 import Int8
from tinycomp.train.loop import train
from tinycomp.train.losses import Supervision
from tinycomp.train.model import finish, trainable
from tinycomp.train.prune import Prune
from tinycomp.train.schedule import Schedule


def test_steps_are_found_by_their_modules() -> None:
    found = dict(kinds())
    assert {"prune": Prune, "int8": Int8, "fine_tune": FineTune}.items() <= found.items()
    assert found.pop(POST_TRAINING) is Recipe
    for name, kind in found.items():
        assert kind.__module__.endswith(f".{name}")
        assert is_dataclass(kind)
        assert issubclass(kind, Constraint) or (
            issubclass(kind, Technique) and kind.stage in ("float", "grid")
        )


def after(graph: Graph, *constraints: Constraint) -> Graph:
    """The graph after one epoch under the constraints."""
    x, y = task()
    model = trainable(graph, constraints, logits=True)
    teacher = np.eye(3, dtype=np.float32)[y]
    train(model, x, Supervision.classes(teacher, y), Schedule(epochs=1, batch=32), Silent())
    return finish(model)


def weights(graph: Graph) -> list[Array]:
    return [
        graph.constants[n.inputs[1]].values for n in graph.nodes if n.op.weight_axis is not None
    ]


def zeros(values: list[Array]) -> int:
    return sum(int((each == 0).sum()) for each in values)


def test_zeros_of_a_step_are_kept_by_the_next() -> None:
    prune = Prune(0.6, every=2)
    pruned = after(network(), prune)
    kept = prune.kept()
    tuned = after(pruned, kept, FineTune())
    for before, then in zip(weights(pruned), weights(tuned), strict=True):
        np.testing.assert_array_equal(then == 0, before == 0)
        assert not np.array_equal(then, before)
    freed = weights(after(pruned, FineTune()))
    assert zeros(freed) < zeros(weights(pruned)) / 2


def test_a_grid_is_dropped_if_weights_leave_it() -> None:
    rounded = after(network(), Int8())
    free = after(rounded, FineTune())
    names = [node.inputs[1] for node in free.nodes if node.op.weight_axis is not None]
    assert all(rounded.constants[name].grid is not None for name in names)
    assert all(free.constants[name].grid is None for name in names)
