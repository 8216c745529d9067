"""Checks class names against a model."""

from __future__ import annotations

from tinycomp.common.errors import DataError
from tinycomp.common.progress import Progress
from tinycomp.data.dataset import Dataset
from tinycomp.data.labels import name_all
from tinycomp.data.task import ModelShape
from tinycomp.options.data import Task


def fit_class_names(
    data: Dataset, model: ModelShape, task: Task | None, progress: Progress
) -> tuple[str, ...]:
    """The names of the outputs in the generated library; none if the outputs are not classes.

    A single output takes two names (its two classes) or one. Without class_names, labels that are
    strings name the classes, if there are as many.

    Raises:
        DataError: the number of names differs from the number of outputs.
    """
    names = data.class_names
    if not names:
        fit = task in ("classification", "binary") and name_all(data.label_names, model.classes)
        return data.label_names if fit else ()
    if task == "reconstruction":
        progress.note("class_names are left out: the outputs reconstruct the input.")
        return ()
    if len(names) != model.classes and not name_all(names, model.classes):
        raise DataError(
            f"class_names holds {len(names)} names, but the model has {model.classes} outputs.",
            expected="Expected one name for each output, in order"
            + (", or two names for a single output." if model.classes == 1 else "."),
            hint="Check that the data belongs to this model.",
        )
    if task == "regression":
        progress.note("class_names are left out of the library: the outputs are numbers.")
        return ()
    return names
