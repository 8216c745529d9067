"""The compilers for this computer that are installed, by all the names that distributions use."""

from __future__ import annotations

import shutil

_NAMES = ("gcc", *(f"gcc-{version}" for version in range(10, 17)))
CLANGS = tuple(
    name
    for name in ("clang", *(f"clang-{version}" for version in range(14, 24)))
    if shutil.which(name)
)
"""From the oldest to the newest, after the one without a version."""
NATIVE = tuple(name for name in (*_NAMES, *CLANGS) if shutil.which(name))
"""Each a program that compiles C, and C++ after `-x c++`."""
