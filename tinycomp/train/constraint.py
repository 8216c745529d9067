"""What a constraint on a layer's weights is: a frozen dataclass of options. Its state lies in
variables of the Keras layer, so that whoever saves the model saves it too.

Kernels are those of the layer in units of its scale (rms of all weights, or of each channel), so
that one step of an optimizer means the same in each layer.
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
    """A variable of a constraint before training."""

    values: Array
    """float32."""
    trained: bool = False
    """Whether the optimizer changes it."""


@dataclass(frozen=True)
class Moment:
    """How far training has come."""

    step: int
    """Optimizer steps done."""
    total: int
    """Steps of the whole training."""

    @property
    def share(self) -> float:
        """0 at the start, 1 at the end."""
        return self.step / max(1, self.total)


@dataclass(frozen=True, eq=False)
class Fixed:
    """Trained weights as they will be stored."""

    kernel: Kernel
    """In units of the layer's scale."""
    step: Kernel | None = None
    """Of the grid that they lie on, broadcast against the kernel; None: on none."""

    def on(self, kernel: Kernel, step: Kernel | None) -> Fixed:
        """Other weights; the same grid where no other is given."""
        return replace(self, kernel=kernel, step=self.step if step is None else step)


class Layer(ABC):
    """A layer under training, as constraints see it between two steps."""

    name: str
    """The first node's that reads the weights."""
    axis: int
    """Of output channels."""
    scale: Array
    """Real value of 1, broadcast against the kernel."""

    @abstractmethod
    def kernel(self, constraint: Constraint) -> Kernel:
        """The kernel as the constraint gets it, behind those in front of it."""

    @abstractmethod
    def state(self, constraint: Constraint) -> Mapping[str, Array]:
        """The constraint's variables in this layer."""

    @abstractmethod
    def assign(self, constraint: Constraint, values: Mapping[str, Array]) -> None:
        """Change some of them."""


class Constraint(ABC):
    """Something that trained weights have to fulfil. Constraints of a list apply in its order."""

    name: ClassVar[str]
    """The module's name: that of its step in recipes."""
    stage: ClassVar[Literal["zeros", "grid"]]
    """Whether it decides which weights are zero, or which values they have."""
    per_channel: bool = False
    """Whether each channel's weights are trained in units of their own."""

    @abstractmethod
    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """The state for a layer with these weights, by name."""

    @abstractmethod
    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """The nearest kernel that fulfils it, in keras.ops; gradients pass straight through."""

    def penalty(self, kernel: Any, state: Mapping[str, Any]) -> Any:
        """What is added to the loss, differentiable; None for nothing."""
        return None

    def advance(self, layers: Sequence[Layer], moment: Moment) -> None:
        """Called after each step: schedules, and what needs all layers at once."""
        return None

    @abstractmethod
    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """What `project` gives, exactly, in float64."""

    def kept(self) -> Constraint | None:
        """What later trainings of the same weights have to keep of it; None for nothing."""
        return None


def straight_through(kernel: Any, projected: Any) -> Any:
    """The projected kernel, with the gradient of the kernel (Bengio et al., 2013)."""
    from keras import ops

    return kernel + ops.stop_gradient(projected - kernel)


def other_axes(rank: int, axis: int) -> tuple[int, ...]:
    """All axes of a kernel but that of its channels."""
    return tuple(each for each in range(rank) if each != axis)
