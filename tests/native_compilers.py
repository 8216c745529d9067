"""The installed compilers for this computer, under all names that distributions use."""

from __future__ import annotations

import shutil

_NAMES = ("gcc", *(f"gcc-{version}" for version in range(10, 17)))
CLANGS = tuple(
    name
    for name in ("clang", *(f"clang-{version}" for version in range(14, 24)))
    if shutil.which(name)
)
"""Names without a version, then from the oldest to the newest version."""
NATIVE = tuple(name for name in (*_NAMES, *CLANGS) if shutil.which(name))
"""Programs that compile C, and C++ with `-x c++`."""
