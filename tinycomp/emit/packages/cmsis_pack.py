"""A CMSIS-Pack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tinycomp.emit.packages._package import Package


class CmsisPack(Package):
    """A CMSIS-Pack."""

    cores = ("cortex-m",)
    templates: ClassVar[Mapping[str, str]] = {
        "tinycomp.{prefix}.pdsc": "packages/cmsis_pack/pack.pdsc.j2",
        "README.md": "packages/cmsis_pack/README.md.j2",
    }
