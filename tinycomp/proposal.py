"""Implements `tinycomp init`: looks at a model and its data, and proposes a tinycomp.toml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinycomp import inspecting
from tinycomp.common.errors import DataError, ModelError
from tinycomp.common.progress import Progress
from tinycomp.common.toml_file import toml_value
from tinycomp.data.dataset import Dataset, open_data
from tinycomp.data.formats._registry import formats
from tinycomp.frontend.formats import FORMATS
from tinycomp.options.data import DataOptions
from tinycomp.prepare import load_samples
from tinycomp.reading import is_float, read_model
from tinycomp.report.inspection import Inspection, Needs
from tinycomp.report.record import REPORT_NAME

_DATA = (".npz", ".csv", ".tsv")
"""Ends of the names of data files that are looked for, beside folders of samples; others have to be
named.
"""
_COLUMN = 34
"""Where comments begin."""
_PIXELS = 255.0
"""The largest value of a pixel that is not scaled."""
_UNSCALED = 20.0
"""Samples that reach farther are hardly scaled to a range that networks are trained on."""


@dataclass(frozen=True)
class Proposal:
    """The options for a model."""

    text: str
    """Of the file."""
    lines: tuple[str, ...]
    """What was found, for the terminal."""
    next: str
    """What to do next, with its command."""


@dataclass(frozen=True)
class _Found:
    """What is known of the model and its data."""

    model: Path
    """The file."""
    inspection: Inspection
    """Of the model."""
    real: bool
    """Whether it is a float model."""
    data: Path | None
    """The samples, if there are any."""
    dataset: Dataset | None
    """The samples as the model takes them."""


def propose(
    model: Path | None, data: Path | None, board: str, folder: Path, progress: Progress
) -> Proposal:
    """Options for a model, with what is known of it in comments.

    Args:
        model: a model file; None: the only one in the folder.
        data: samples; None: the only .npz, table or folder of samples, if there is one.
        board: a name, or the path of a board file.
        folder: where the proposal will be written.
        progress: shows the stages.

    Raises:
        ModelError: there is no model or more than one; it can't be built, with all reasons.
        DataError: the data can't be used for the model.
        BoardError: there is no such board.
    """
    model = model or _only_model(folder)
    data = data or _only_data(folder)
    inspection = inspecting.inspect(model, board, progress)
    if inspection.reasons:
        raise ModelError(f"'{model}' can't be built: {' '.join(inspection.reasons)}")
    graph = read_model(model)
    opened = None if data is None else open_data(data, DataOptions())
    dataset = None if opened is None else load_samples(opened, graph, progress)
    found = _Found(model, inspection, is_float(graph), data, dataset)
    return Proposal("\n".join(_text(found, board)) + "\n", tuple(_lines(found)), _next(found))


def _only_model(folder: Path) -> Path:
    suffixes = [suffix for each in FORMATS for suffix in each.suffixes]
    there = _files(folder, suffixes)
    if len(there) == 1:
        return there[0]
    listed = ", ".join(each.name for each in there)
    raise ModelError(
        f"'{folder}' holds {len(there)} models: {listed}."
        if there
        else f"'{folder}' holds no model.",
        expected=f"Expected one of {', '.join(suffixes)}.",
        hint="Name it: tinycomp init model.keras",
    )


def _only_data(folder: Path) -> Path | None:
    """The only file or folder of samples; None if there is none.

    Raises:
        DataError: there are several.
    """
    folders = (each for each in sorted(folder.iterdir()) if each.is_dir() and _holds_samples(each))
    there = [*_files(folder, _DATA), *(each.relative_to(folder) for each in folders)]
    if len(there) > 1:
        raise DataError(
            f"'{folder}' holds {len(there)} files or folders of data: "
            f"{', '.join(each.name for each in there)}.",
            hint=f"Name one: --data {there[0].name}",
        )
    return there[0] if there else None


def _holds_samples(folder: Path) -> bool:
    """Whether a folder is of a known format of data; hidden ones, and builds, are none."""
    if folder.name.startswith(".") or (folder / REPORT_NAME).exists():
        return False
    return any(each.accepts(folder) for each in formats())


def _files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files of some kinds, by their names in the folder."""
    found = sorted(each for each in folder.iterdir() if each.suffix in suffixes and each.is_file())
    return [each.relative_to(folder) for each in found]


def _text(found: _Found, board: str) -> Iterator[str]:
    """The lines of the file."""
    yield "# Options of tinycomp's commands in this folder. Those of the command line win."
    yield _line("model", found.model.as_posix(), _described(found))
    if found.data is not None:
        yield _line("data", found.data.as_posix(), _samples(found))
    elif found.real:
        yield _commented("data", "samples.npz", "a float model needs samples (docs/data.md)")
    yield _line("board", board, "tinycomp boards lists others")
    if found.dataset is not None and (scale := _scaling(found.dataset)):
        yield _commented(*scale)
    yield from ("", "[build]", _line("output", "out"))
    yield _commented("optimize", "flash", "or ram, speed, balanced")
    if _trainable(found):
        name = f"{found.model.stem}_small.tflite"
        yield from ("", "[compress]", _line("output", name))
        yield _commented("recipe", "tiny", "or balanced, fast, lossless, a TOML file")
        yield from ("", "[search]", _line("output", "search"))
        yield _commented("max_flash", "24k", "bytes of the library")


def _trainable(found: _Found) -> bool:
    """Whether there is a float model, and labels to train it with."""
    return found.real and found.dataset is not None and found.dataset.y is not None


def _fits(needs: Needs) -> bool:
    """Whether the model should fit the board without compression."""
    flash = needs.constants + needs.code
    return flash <= needs.flash_limit and needs.ram_min <= needs.ram_limit


def _next(found: _Found) -> str:
    """A build; for a model that is too large, what makes it fit."""
    needs = found.inspection.needs
    if found.real and found.data is None:
        return "add data to tinycomp.toml, then tinycomp build"
    if needs is None or _fits(needs):
        return "tinycomp build"
    larger = "another board (tinycomp boards lists them)"
    return f"tinycomp compress, or {larger}" if _trainable(found) else larger


def _line(key: str, value: str, comment: str = "") -> str:
    text = f"{key} = {toml_value(value)}"
    return f"{text:<{_COLUMN}} # {comment}" if comment else text


def _commented(key: str, value: str, comment: str) -> str:
    return _line(f"# {key}", value, comment)


def _described(found: _Found) -> str:
    kind = "float" if found.real else "quantized"
    ends = (
        " and ".join(str(each.shape) for each in records)
        for records in (found.inspection.inputs, found.inspection.outputs)
    )
    return f"{kind}, {' to '.join(ends)}"


def _samples(found: _Found) -> str:
    data = found.dataset
    assert data is not None
    labels = "with labels" if data.y is not None else "without labels"
    tested = f", {len(data.x_test):,} to test" if data.halves == "two" else ""
    return f"{len(data.x):,} samples to calibrate{tested}, {labels}"


def _scaling(data: Dataset) -> tuple[str, str, str] | None:
    """A scale for samples that look like pixels, which the model may not have been trained on."""
    low, high = float(np.min(data.x)), float(np.max(data.x))
    whole = bool((data.x[: min(len(data.x), 50)] % 1 == 0).all())
    if low < 0 or not _UNSCALED < high <= _PIXELS or not whole:
        return None
    reach = f"{low:g} to {high:g}"
    return "input_scale", "1/255", f"samples are {reach}: if it was trained on 0 to 1"


def _lines(found: _Found) -> Iterator[str]:
    """What to tell the user."""
    yield f"{found.model.name}: {_described(found)}, {found.inspection.macs:,} MACs."
    if found.data is not None:
        yield f"{found.data.name}: {_samples(found)}."
    elif found.real:
        yield "No data: a float model needs samples to be built (--data, docs/data.md)."
    needs = found.inspection.needs
    if needs is not None:
        flash = needs.constants + needs.code
        ram = " to ".join(dict.fromkeys(f"{size:,}" for size in (needs.ram_min, needs.ram_fast)))
        yield (
            f"{needs.board}: about {flash:,} of {needs.flash_limit:,} bytes of flash, "
            f"{ram} of {needs.ram_limit:,} bytes of RAM: "
            f"{'it should fit' if _fits(needs) else 'too large without compression'}."
        )
    if found.dataset is not None and (scale := _scaling(found.dataset)):
        yield f"{found.data.name if found.data else 'data'}: {scale[2]}, uncomment {scale[0]}."
