"""Tables of arbitrary bytes."""

from __future__ import annotations

import numpy as np
from conformance import Case, parameters
from tables import table_case

from tinycomp.ops.lookup import Lookup


def cases() -> list[Case]:
    rng = np.random.default_rng(0)
    entries = rng.integers(-128, 128, (3, 256)).astype(np.int8)
    functions = {
        f"table {number}": (Lookup(table.tobytes()), parameters(0.01, number))
        for number, table in enumerate(entries)
    }
    return [table_case("random", parameters(0.3, -7), functions)]
