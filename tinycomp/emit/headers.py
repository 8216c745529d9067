"""The kernel and codec headers that a library needs, and the macros that specialize them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from tinycomp.codecs._far import MOST_WEIGHTS, WIDE_KERNEL
from tinycomp.common import resources
from tinycomp.ir.kernel_call import Weights
from tinycomp.kernels._facts import known_facts
from tinycomp.kernels._registry import instruction_set as kernel_set
from tinycomp.plan.program import Operation

LIBRARY_FOLDER = "tinycomp"
"""The folder of verbatim kernel and codec headers inside the generated library."""
INDEX = "TC_INDEX_32"
"""The macro for numbers of weights that take more than 16 bits (firmware/kernels/tinycomp.h)."""


def included_headers(operations: Iterable[Operation]) -> set[str]:
    """The headers that `<prefix>.c` includes: of kernels, and of codecs."""
    kernels = {f"{op.call.kernel}.h" for op in operations if op.call}
    return kernels | {f"{encoded.codec}.h" for op in operations for encoded in op.encoded}


def firmware_headers(
    operations: Iterable[Operation], instruction_set: str = "generic"
) -> dict[str, str]:
    """The headers that these operations need, including nested ones, by name."""
    found = _with_included({"tinycomp.h", *included_headers(operations)}, instruction_set)
    return {f"{LIBRARY_FOLDER}/{name}": text for name, text in sorted(found.items())}


def facts(operations: Collection[Operation], instruction_set: str = "generic") -> list[str]:
    """The macros to define for the kernels' headers, for these operations."""
    calls = [op.call for op in operations if op.call]
    texts = {
        kernel: "".join(_with_included({f"{kernel}.h"}, instruction_set).values())
        for kernel in {call.kernel for call in calls}
    }
    known = known_facts((call, texts[call.kernel]) for call in calls)
    return [INDEX, *known] if any(map(_is_long, operations)) else known


def _is_long(operation: Operation) -> bool:
    """Whether a core with 16 bits can't number the weights that its kernel has decoded."""
    call = operation.call
    if call is None or call.kernel != WIDE_KERNEL:
        return False
    weights = (value for value in call.fields.values() if isinstance(value, Weights))
    return any(value.values.size > MOST_WEIGHTS for value in weights)


def _with_included(names: Iterable[str], instruction_set: str) -> dict[str, str]:
    """The texts of headers, including nested ones, by name."""
    root = resources.firmware()
    folders = [
        root / "kernels" / instruction_set,
        *(root / "kernels" / name for name in kernel_set(instruction_set).shares),
        root / "kernels",
        root / "kernels" / "generic",
        root / "codecs",
    ]
    pending, files = {*names}, {}
    while pending:
        name = pending.pop()
        path = next(folder / name for folder in folders if (folder / name).is_file())
        files[name] = text = path.read_text(encoding="utf-8")
        pending |= {*re.findall(r'^#include "([^"]+)"', text, re.MULTILINE)} - files.keys()
    return files
