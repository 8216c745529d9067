"""Facts about all calls of a library, known when it is compiled, so that kernels omit code for
other cases.

A header tests a macro, TC_<name>_<fact>, which is 0 unless generated code has defined it as 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._channels import merged
from tinycomp.codecs._merged import WHOLE
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.kernels._dsp_rounding import ONCE

Members = Mapping[str, int]


def _whole_rows(members: Members) -> bool:
    """Whether the windows of a whole row fit the columns."""
    span = (members["kernel_width"] - 1) * members["dilation_width"] + 1
    return members["columns"] >= (members["output_width"] - 1) * members["stride_width"] + span


FACTS: dict[str, Callable[[Members], bool | None]] = {
    "BROAD": lambda members: members["output_width"] > 1,
    "EIGHTS": lambda members: members["output_size"] % 8 == 0,
    "ENTIRE": _whole_rows,
    "ESTIMATED": lambda members: members["estimated"] == 1 if members["packed"] else None,
    "EVEN": lambda members: members["output_channels"] % 2 == 0,
    "FOURS": lambda members: members["input_channels"] % 4 == 0,
    "MERGED": lambda members: members["merged"] == 1 if members["packed"] else None,
    "UNMERGED": lambda members: members["merged"] == 0 if members["packed"] else None,
    "PACKED": lambda members: members["packed"] == 1,
    "PLAIN": lambda members: members["packed"] == 0,
    "ONCE": lambda members: members["rounding"] == ONCE,
    "SINGLE": lambda members: members["factors"] == 1,
    "STORED": lambda members: members["estimated"] == 0 if members["packed"] else None,
    "RESET": lambda members: members.get("start", 0) == 0,
    "UNCLAMPED": lambda members: (
        (members["activation_min"], members["activation_max"]) == (-128, 127)
    ),
    "UNMASKED": lambda members: members["masked"] == 0,
    "UNDIVIDED": lambda members: members["part"] == 0,
    "UNDILATED": lambda members: members["dilation_height"] == members["dilation_width"] == 1,
    "UPRIGHT": lambda members: members["across"] == members["kernel_height"],
    "WHOLE": lambda members: members["kernel_width"] * members["input_channels"] % 4 == 0,
    "WIDE": lambda members: members["kernel_width"] * members["input_channels"] >= 4,
}
"""The last word of the macro, and whether it holds for the members of a call's struct; None if they
say nothing about it.

BROAD: rows have more than one pixel. EIGHTS: outputs come in blocks of eight. ENTIRE: the columns
that are read together are those of a whole row. ESTIMATED, STORED: first words of merged pairs are
completed by an estimate, or stored as they are. EVEN: output channels come in pairs. FOURS:
channels come in fours. MERGED, UNMERGED: where constants of channels are packed, they are pairs of
words, or are not. ONCE: sums are rounded once. PACKED, PLAIN: all constants of channels are packed,
or none. RESET: states start from zeros. SINGLE: where they are, all channels have the same factor.
UNCLAMPED: outputs have no bounds but those of int8. UNDILATED: windows' cells lie side by side.
UNDIVIDED: sums are not made of parts. UNMASKED: no steps are skipped. UPRIGHT: no rows of windows
lie across. WHOLE: rows of windows are whole words. WIDE: they have at least one.
"""
_PACKED = ("constants", "factors", "input_rows", "state_rows")
"""Members that are packed constants of channels."""
_ASKED = re.compile(rf"^#ifndef (TC_\w+_({'|'.join(FACTS)}))$", re.MULTILINE)


def known_facts(calls: Iterable[tuple[KernelCall, str]]) -> list[str]:
    """The macros to define: those of facts that hold for all calls of kernels that test them.

    Args:
        calls: each with the text of its kernel's headers.
    """
    found: dict[str, bool] = {}
    for call, text in calls:
        members = {name: value for name, value in call.fields.items() if isinstance(value, int)}
        constants = _packed(call)
        members["factors"] = next((int(each[2]) for each in constants if each[2] != 1), 1)
        members["merged"] = sum(map(merged, constants))
        members["estimated"] = sum(merged(each) and int(each[4]) != WHOLE for each in constants)
        for macro, fact in _ASKED.findall(text):
            holds = FACTS[fact](members)
            if holds is not None:
                found[macro] = found.get(macro, True) and holds
    return sorted(macro for macro, holds in found.items() if holds)


def _packed(call: KernelCall) -> list[NDArray[np.uint8]]:
    """A call's packed constants (codecs/_channels.py)."""
    constants = (call.fields.get(name) for name in _PACKED)
    return [v for v in constants if isinstance(v, np.ndarray) and v.dtype == np.uint8]
