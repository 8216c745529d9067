"""The interface of an instruction set: kernels that give the same bytes as the portable ones."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._gaps import sparse_dense

Adapt = Callable[[KernelCall, Operands, Encoded | None], KernelCall | None]
"""Replaces a portable kernel's call; returns None if values exceed the kernel's bounds."""


class InstructionSet(ABC):
    """Kernels in firmware/kernels/<name>/ and how to call them.

    Each subclass has its own module in tinycomp/kernels, with its name.
    """

    name: ClassVar[str]
    kernels: ClassVar[Mapping[str, Adapt]] = {}
    """By name of the portable kernel. A missing one is used itself, or replaced by a header of the
    same name.
    """
    shares: ClassVar[tuple[str, ...]] = ()
    """Other sets whose kernels it calls too: the names of their folders."""

    def adapt(self, call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall:
        """The call that replaces the portable kernel's; the same call if there is none for these
        values.

        Args:
            call: of the portable kernel.
            operands: the node's.
            stored: the call's encoded weights; None if it has none.
        """
        adapt = self.kernels.get(call.kernel)
        sparse = sparse_dense(call, operands, stored)
        return sparse or (adapt(call, operands, stored) if adapt else None) or call
