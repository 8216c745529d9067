"""The interface of weight constraints: frozen dataclasses of options. Their state is stored in
variables of the Keras layer, so that saving the model saves it too.

Kernels are normalized by the layer's scale (the rms of all weights, or of each channel), so that an
optimizer step has the same relative size in each layer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.tensor import Array

Kernel = NDArray[np.float64]


@dataclass(frozen=True)
class Initial:
    """The initial value of a constraint's variable."""

    values: Array
    """float32."""
    trained: bool = False
    """Whether the optimizer updates it."""


@dataclass(frozen=True)
class Moment:
    """The progress of training."""

    step: int
    """Optimizer steps done so far."""
    total: int
    """Optimizer steps of the whole training."""

    @property
    def share(self) -> float:
        """The fraction done: 0 at the start, 1 at the end."""
        return self.step / max(1, self.total)


@dataclass(frozen=True, eq=False)
class Fixed:
    """Trained weights with the constraints applied exactly, as they will be stored."""

    kernel: Kernel
    """Divided by the layer's scale."""
    step: Kernel | None = None
    """Grid step, broadcast against the kernel; None if the weights lie on no grid."""

    def on(self, kernel: Kernel, step: Kernel | None) -> Fixed:
        """With another kernel, and another grid step unless that is None."""
        return replace(self, kernel=kernel, step=self.step if step is None else step)


class Layer(ABC):
    """A layer in training, as constraints see it between two optimizer steps."""

    name: str
    """Name of the first node that reads the weights."""
    axis: int
    """Axis of the output channels."""
    scale: Array
    """The factor from kernel to real weights, broadcast against the kernel."""

    @abstractmethod
    def kernel(self, constraint: Constraint) -> Kernel:
        """The constraint's input: the kernel with all earlier constraints applied, in the shape
        that Constraint.stage says.
        """

    @abstractmethod
    def state(self, constraint: Constraint) -> Mapping[str, Array]:
        """The constraint's variables in this layer, by name."""

    @abstractmethod
    def assign(self, constraint: Constraint, values: Mapping[str, Array]) -> None:
        """Set some of the constraint's variables, by name."""


class Constraint(ABC):
    """A condition on trained weights. Constraints of a list are applied in order."""

    name: ClassVar[str]
    """Name of the module and of the recipe step."""
    stage: ClassVar[Literal["zeros", "grid"]]
    """"zeros" chooses which weights are zero, "grid" which values the others have. Where several
    channels must share a scale (the units of a gate of an LSTM), kernels for grids have another
    axis: `axis` is that of the scales, the next one that of their channels.
    """
    per_channel: bool = False
    """Whether weights are normalized by channel instead of by layer."""

    @property
    def settled(self) -> float:
        """The share of the training after which its schedule has reached its end."""
        return 0.0

    @abstractmethod
    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """The initial state for a layer with these weights, by name."""

    @abstractmethod
    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """The nearest kernel that satisfies the constraint, in keras.ops, usually with a
        straight-through gradient.
        """

    def penalty(self, kernel: Any, state: Mapping[str, Any]) -> Any:
        """A differentiable term of the loss, or None."""
        return None

    def advance(self, layers: Sequence[Layer], moment: Moment) -> None:
        """Called after each step: updates schedules and whatever depends on all layers."""
        return None

    @abstractmethod
    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """The same as `project`, exactly, in float64."""

    def kept(self) -> Constraint | None:
        """The constraint that later trainings of the same weights must respect, or None."""
        return None


def straight_through(kernel: Any, projected: Any) -> Any:
    """The projected kernel, with the gradient of the original one (Bengio et al., 2013)."""
    from keras import ops

    return kernel + ops.stop_gradient(projected - kernel)


def other_axes(rank: int, axis: int) -> tuple[int, ...]:
    """All axes of a kernel except that of its channels."""
    return tuple(each for each in range(rank) if each != axis)
