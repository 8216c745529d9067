"""Checks class names against a model."""

from __future__ import annotations

from collections.abc import Sequence

from tinycomp.common.errors import DataError
from tinycomp.common.progress import Progress
from tinycomp.data.task import ModelShape, Task


def fit_class_names(
    names: Sequence[str], model: ModelShape, task: Task | None, progress: Progress
) -> tuple[str, ...]:
    """The names of the outputs in the generated library; none if the outputs are not classes.

    A single output takes two names (its two classes) or one.

    Raises:
        DataError: the number of names differs from the number of outputs.
    """
    if task == "reconstruction" and names:
        progress.note("class_names are left out: the outputs reconstruct the input.")
        return ()
    if names and len(names) != model.classes and (model.classes, len(names)) != (1, 2):
        raise DataError(
            f"class_names holds {len(names)} names, but the model has {model.classes} outputs.",
            expected="Expected one name for each output, in order"
            + (", or two names for a single output." if model.classes == 1 else "."),
            hint="Check that the data belongs to this model.",
        )
    if task == "regression" and names:
        progress.note("class_names are left out of the library: the outputs are numbers.")
        return ()
    return tuple(names)
