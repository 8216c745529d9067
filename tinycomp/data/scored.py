"""Which outputs of a model are scored, by which labels, and which of them counts: for targets of
accuracy, and where one figure is shown.

That is the first output with usable labels. `--task` is for it; the tasks of the others show in
their labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tinycomp.data.dataset import Dataset
from tinycomp.data.targets import Targets, find_targets
from tinycomp.data.task import NOT_SCORED, ModelShape
from tinycomp.ir.tensor import Array
from tinycomp.options.data import Task

Half = Literal["calibration", "test"]


@dataclass(frozen=True, eq=False)
class Scored:
    """An output, and what it is compared with."""

    shape: ModelShape
    """The output's."""
    targets: Targets
    """Its task and expected values; without a task, notes say why."""
    labelled: bool = True
    """Whether there are labels that are meant for it."""
    class_names: tuple[str, ...] = ()
    """Of its classes, if the data has them."""

    @property
    def notes(self) -> tuple[str, ...]:
        """How its labels were read, or why it is not scored."""
        if self.shape.outputs == 1:
            return self.targets.notes
        return tuple(_of(self.shape, note) for note in self.targets.notes)


def scored_outputs(
    shapes: Sequence[ModelShape], data: Dataset, task: Task | None, half: Half = "test"
) -> tuple[Scored, ...]:
    """Each output with its targets: the one that counts first, then those that are scored, then
    those that are not.

    Args:
        shapes: of all outputs, in order.
        data: samples and labels.
        task: of the output that counts; None: inferred.
        half: which samples are scored.
    """
    found: list[Scored] = []
    for shape in shapes:
        counts = not any(each.targets.task for each in found)
        found.append(_scored(shape, data, task if counts else None, half))
    return tuple(sorted(found, key=lambda each: each.targets.task is None))


def _scored(shape: ModelShape, data: Dataset, task: Task | None, half: Half) -> Scored:
    x = data.x_test if half == "test" else data.x
    y, names = _labels(shape, data, half)
    class_names = data.class_names if shape.place == 0 else ()
    if y is None and shape.outputs > 1 and shape.place > 0:
        task = None  # that of labels which are not there
    targets = find_targets(shape, x, y, class_names, task, names)
    return Scored(shape, targets, y is not None, tuple(class_names or names))


def _labels(shape: ModelShape, data: Dataset, half: Half) -> tuple[Array | None, Sequence[str]]:
    """The labels of an output and their names; those of y are the first one's."""
    own = data.outputs.get(shape.name)
    if own is not None:
        return (own.y_test if half == "test" else own.y), own.label_names
    if shape.place > 0:
        return None, ()
    return (data.y_test if half == "test" else data.y), data.label_names


def notes_of(scored: Sequence[Scored]) -> tuple[str, ...]:
    """What the user should know about labels: which output counts, how the labels were read, and
    which outputs have none.
    """
    counted = [each for each in scored if each.targets.task is not None]
    bare = [each.shape.name for each in scored if _is_bare(each)]
    notes = [note for each in scored if not _is_bare(each) for note in each.notes]
    if len(counted) > 1:
        notes.insert(
            0,
            f"{len(counted)} outputs are scored; targets of accuracy look at "
            f"{counted[0].shape.name!r}.",
        )
    if bare:
        names = ", ".join(map(repr, bare))
        notes.append(
            f"{NOT_SCORED} {'outputs' if len(bare) > 1 else 'output'} {names}: there are no "
            f"labels. They are arrays named after the output: {bare[0]}_train, {bare[0]}_test."
        )
    return tuple(notes)


def _is_bare(each: Scored) -> bool:
    """Whether it is one of several outputs, without labels and not scored."""
    return each.shape.outputs > 1 and not each.labelled and each.targets.task is None


def _of(shape: ModelShape, note: str) -> str:
    """A note with the output that it is about."""
    if not note.startswith(NOT_SCORED):
        return f"Output {shape.name!r}: {note}"
    why = note.removeprefix(NOT_SCORED).strip()
    return (
        f"{NOT_SCORED} output {shape.name!r}: {why} Its labels can be arrays named after it: "
        f"{shape.name}_train, {shape.name}_test."
    )
