"""Functions of one real value that a float .tflite has and an int8 one has not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tinycomp.ops._function import Definition, link

_TINY = 1e-30
"""In place of zero, which has no inverse; the largest or smallest output."""

MATHEMATICS: Mapping[str, Definition] = {
    "ceil": Definition(np.ceil, (link("CEIL"),)),
    "cos": Definition(np.cos, (link("COS"),)),
    "expm1": Definition(np.expm1, (link("EXP"), link("ADD", -1))),
    "floor": Definition(np.floor, (link("FLOOR"),)),
    # x / x^2: there is no chain that begins with 1 / x.
    "reciprocal": Definition(
        lambda x: 1 / np.where(x == 0, _TINY, x),
        (link("SQUARE"), link("RSQRT"), link("SQUARE"), link("MUL", again=True)),
    ),
    "round": Definition(np.rint, (link("ROUND"),)),
    "sign": Definition(np.sign, (link("SIGN"),)),
    "sin": Definition(np.sin, (link("SIN"),)),
}
"""By the name of keras.ops."""
