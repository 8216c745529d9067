"""A Zephyr module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.emit.packages._package import Package


class Zephyr(Package):
    """A Zephyr module."""

    cores = ("cortex-m", "xtensa", "rv32")
    templates: ClassVar[Mapping[str, str]] = {
        "zephyr/module.yml": "packages/zephyr/module.yml.j2",
        "zephyr/CMakeLists.txt": "packages/zephyr/CMakeLists.txt.j2",
        "zephyr/Kconfig": "packages/zephyr/Kconfig.j2",
        "README.md": "packages/zephyr/README.md.j2",
    }
