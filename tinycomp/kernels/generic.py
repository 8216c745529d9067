"""Any core: the portable kernels, which define what all others compute."""

from __future__ import annotations

from typing import ClassVar

from tinycomp.codecs._codec import Encoded
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Operands
from tinycomp.kernels._instruction_set import InstructionSet


class Generic(InstructionSet):
    """Portable C alone."""

    name: ClassVar[str] = "generic"

    def adapt(self, call: KernelCall, operands: Operands, stored: Encoded | None) -> KernelCall:
        """The call itself."""
        return call
