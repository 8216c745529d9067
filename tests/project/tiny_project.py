"""A small handwritten library that stands in for a generated one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinycomp.common import resources
from tinycomp.emit.example import Example
from tinycomp.emit.project import Content

TINY = Path(__file__).parent / "tiny"
SAMPLE = np.array([[7, 1, 2, 0, 0, 0], [0, 0, 0, 0, 0, 21]], np.int8)
"""Its outputs are 7, 42 and -10: the second class has the highest score, 21 in real units."""
CLASSES = ("no", 'say "yes"?', "C:\\%s")


def content(class_names: tuple[str, ...] = CLASSES, example: Example | None = None) -> Content:
    """The content of a project; the example prints the class, or outputs without class names."""
    example = example or Example("class" if class_names else "values")
    library = {path.name: path.read_text() for path in TINY.glob("tiny*.[ch]")}
    library["tinycomp/tinycomp.h"] = resources.read_firmware("kernels/tinycomp.h")
    harness_model = (TINY / "tc_model.c").read_text()
    return Content("tiny", "tiny", "ab" * 32, library, harness_model, SAMPLE, class_names, example)
