"""What an instruction set is: a choice of kernels that give the same bytes as the portable ones."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._gaps import sparse_dense

Adapt = Callable[[KernelCall, Operands, Encoded | None], KernelCall | None]
"""The call of a kernel in the place of the portable one's; None where numbers leave its bounds."""


class InstructionSet(ABC):
    """Kernels in firmware/kernels/<name>/, and what has to be known to call them.

    Each subclass lives in its own module of tinycomp/kernels, which has the subclass's name.
    """

    name: ClassVar[str]
    kernels: ClassVar[Mapping[str, Adapt]] = {}
    """By the name of the portable kernel. One that is missing has no other, or one in a header of
    the same name.
    """
    shares: ClassVar[tuple[str, ...]] = ()
    """Other sets whose kernels it calls too: the names of their folders."""

    def adapt(self, call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall:
        """The call that this instruction set makes instead of the portable kernel's; the call
        itself where it has none for these numbers.

        Args:
            call: of the portable kernel.
            operands: the node's.
            stored: how the call's weights would lie in flash; None where it has none.
        """
        adapt = self.kernels.get(call.kernel)
        sparse = sparse_dense(call, operands, stored)
        return sparse or (adapt(call, operands, stored) if adapt else None) or call
