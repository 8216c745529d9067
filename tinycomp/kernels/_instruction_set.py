"""What an instruction set is: a choice of kernels that give the same bytes as the portable ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands


class InstructionSet(ABC):
    """Kernels in firmware/kernels/<name>/, and what has to be known to call them.

    Each subclass lives in its own module of tinycomp/kernels, which has the subclass's name.
    """

    name: ClassVar[str]

    @abstractmethod
    def adapt(self, call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall:
        """The call that this instruction set makes instead of the portable kernel's; the call
        itself where it has none for these numbers.

        Args:
            call: of the portable kernel.
            operands: the node's.
            stored: how the call's weights would lie in flash; None where it has none.
        """
