"""The operators of ONNX that are read, by name."""

from __future__ import annotations

from collections.abc import Mapping

from tinycomp.frontend._onnx_arithmetic import ARITHMETIC
from tinycomp.frontend._onnx_call import Reader
from tinycomp.frontend._onnx_choices import CHOICES
from tinycomp.frontend._onnx_convolutions import CONVOLUTIONS
from tinycomp.frontend._onnx_dense import DENSE
from tinycomp.frontend._onnx_einsum import EINSUM
from tinycomp.frontend._onnx_joins import JOINS
from tinycomp.frontend._onnx_moves import MOVES
from tinycomp.frontend._onnx_powers import POWERS
from tinycomp.frontend._onnx_quantized import QUANTIZED
from tinycomp.frontend._onnx_recurrent import RECURRENT
from tinycomp.frontend._onnx_reductions import REDUCTIONS
from tinycomp.frontend._onnx_resize import RESIZES
from tinycomp.frontend._onnx_sums import SUMS

OPERATORS: Mapping[str, Reader] = {
    **ARITHMETIC,
    **CHOICES,
    **CONVOLUTIONS,
    **DENSE,
    **EINSUM,
    **JOINS,
    **MOVES,
    **POWERS,
    **QUANTIZED,
    **RECURRENT,
    **REDUCTIONS,
    **RESIZES,
    **SUMS,
}
"""Of computed tensors; an operator of constants alone is computed while reading."""
