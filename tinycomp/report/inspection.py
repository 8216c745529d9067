"""What `tinycomp inspect` found: as data, as JSON, and as tables for the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from rich.console import Console, Group, RenderableType

from tinycomp.frontend.survey import Survey
from tinycomp.report.record import LayerRecord
from tinycomp.report.tables import Figures, details

_WIDTH = 100
"""Of the text that Python shows, in columns."""


@dataclass(frozen=True)
class TensorRecord:
    """An input or output of a model."""

    name: str
    """In the graph."""
    shape: tuple[int, ...]
    """Without the batch."""
    dtype: str
    """As NumPy names it, before quantization."""


@dataclass(frozen=True)
class Needs:
    """Estimates for one board."""

    board: str
    """Its name."""
    constants: int
    """Bytes of weights, biases and tables in flash."""
    code: int
    """Bytes of code in flash, a rough guess."""
    ram_min: int
    """Bytes of the arena with --optimize ram."""
    ram_fast: int
    """Bytes of the arena with --optimize speed."""
    instructions_min: int
    """Predicted instructions of an inference with the smallest arena; as `instructions_fast` where
    only sketched.
    """
    instructions_fast: int
    """Predicted instructions of an inference with the fastest plan."""
    flash_limit: int
    """Bytes of flash that a model may use on the board."""
    ram_limit: int
    """Bytes of RAM that a model may use on the board."""


@dataclass(frozen=True, repr=False)
class Inspection:
    """What a model contains, and what it would need."""

    model: str
    """The file's name."""
    file: Survey
    """Operators in the file, as its format names them."""
    reasons: tuple[str, ...] = ()
    """Why it can't be built, each naming the layer; empty if it can."""
    inputs: tuple[TensorRecord, ...] = ()
    """What the caller provides."""
    outputs: tuple[TensorRecord, ...] = ()
    """What is returned to the caller."""
    layers: tuple[LayerRecord, ...] = ()
    """In the graph's order."""
    shapes: tuple[tuple[int, ...], ...] = ()
    """Of each layer's output."""
    macs: int = 0
    """Multiply-accumulates per inference."""
    parameters: int = 0
    """Number of weights and biases."""
    notes: tuple[str, ...] = ()
    """What was left out or converted while reading."""
    needs: Needs | None = None
    """Estimates for a board; None if it can't be built."""

    def __repr__(self) -> str:
        """The tables, as a Python prompt shows them."""
        console = Console(width=_WIDTH, color_system=None, markup=False)
        with console.capture() as captured:
            console.print(tables(self))
        lines = [line.rstrip() for line in captured.get().splitlines()]
        return "\n".join(lines).strip()


def to_json(found: Inspection) -> str:
    """As JSON text that ends with a newline."""
    data = asdict(found)
    data["buildable"] = not found.reasons
    data["layers"] = [
        {"name": layer.name, "op": layer.op, "macs": layer.macs, "shape": shape}
        for layer, shape in zip(found.layers, found.shapes, strict=True)
    ]
    del data["shapes"]
    return json.dumps(data, indent=2) + "\n"


def tables(found: Inspection) -> RenderableType:
    """Layers, then a summary, then the reasons against a build."""
    parts: list[RenderableType] = [_layers(found)] if found.layers else []
    parts.append(details(found.model, _rows(found)))
    if found.reasons:
        parts.append(f"It can't be built, for {_counted(len(found.reasons), 'reason')}:")
        parts += [f"{number}. {text}" for number, text in enumerate(found.reasons, 1)]
    return Group(*parts)


def _layers(found: Inspection) -> Figures:
    rows = [
        (layer.name, layer.op, " x ".join(map(str, shape)), f"{layer.macs:,}" if layer.macs else "")
        for layer, shape in zip(found.layers, found.shapes, strict=True)
    ]
    return Figures("Layers", ("layer", "operator"), ("output", "MACs"), rows, ("operator",))


def _rows(found: Inspection) -> Iterator[tuple[str, str]]:
    if found.file.operators:
        counts = found.file.operators.items()
        yield "in the file", ", ".join(f"{kind} {number}" for kind, number in counts)
    if found.file.types:
        yield "types", ", ".join(found.file.types)
    yield from _ends("input", found.inputs)
    yield from _ends("output", found.outputs)
    for note in found.notes:
        yield "note", note
    if found.layers:
        work = f"{found.macs:,} multiply-accumulates, {found.parameters:,} parameters"
        yield "model", work
    if found.needs is not None:
        yield from _needs(found.needs)


def _ends(what: str, tensors: Iterable[TensorRecord]) -> Iterator[tuple[str, str]]:
    for each in tensors:
        yield what, f"{each.name}: {' x '.join(map(str, each.shape))}, {each.dtype}"


def _needs(needs: Needs) -> Iterator[tuple[str, str]]:
    flash = needs.constants + needs.code
    yield (
        "flash, estimated",
        f"{flash:,} of {needs.flash_limit:,} bytes on {needs.board}: constants "
        f"{needs.constants:,}, code about {needs.code:,}",
    )
    for what, ram, instructions in (
        ("smallest", needs.ram_min, needs.instructions_min),
        ("fastest", needs.ram_fast, needs.instructions_fast),
    ):
        fits = "" if ram <= needs.ram_limit else ", which does not fit"
        yield (
            f"{what}, estimated",
            f"arena of {ram:,} of {needs.ram_limit:,} bytes{fits}; {instructions:,} instructions",
        )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
