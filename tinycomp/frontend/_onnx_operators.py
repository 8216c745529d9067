"""The operators of ONNX that are read, by name."""

from __future__ import annotations

from collections.abc import Mapping

from tinycomp.frontend._onnx_arithmetic import ARITHMETIC
from tinycomp.frontend._onnx_call import Reader
from tinycomp.frontend._onnx_convolutions import CONVOLUTIONS
from tinycomp.frontend._onnx_dense import DENSE
from tinycomp.frontend._onnx_moves import MOVES
from tinycomp.frontend._onnx_quantized import QUANTIZED
from tinycomp.frontend._onnx_recurrent import RECURRENT
from tinycomp.frontend._onnx_reductions import REDUCTIONS
from tinycomp.frontend._onnx_resize import RESIZES

OPERATORS: Mapping[str, Reader] = {
    **ARITHMETIC,
    **CONVOLUTIONS,
    **DENSE,
    **MOVES,
    **QUANTIZED,
    **RECURRENT,
    **REDUCTIONS,
    **RESIZES,
}
"""Of computed tensors; an operator of constants alone is computed while reading."""
