"""A build in a folder: its report, its files, and its model in NumPy."""

from __future__ import annotations

import html as escaping
import os
import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from tinycomp.common.errors import DataError, OutputError
from tinycomp.data.by_input import by_input, side_by_side
from tinycomp.emit.folder import read_manifest, write_folder
from tinycomp.emit.project import kind_of
from tinycomp.folder_checks import built_folder
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, Tensor, dequantize_values
from tinycomp.passes.bundle_outputs import output_parts
from tinycomp.proof.built_for import board_of
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.reference.simulate import INTEGERS, run
from tinycomp.report.html import html
from tinycomp.report.record import Report, read_report

Inputs = Array | Mapping[str, Array] | Sequence[Array]

_PAGE_HEIGHT = 720
"""Of the report in a notebook, in pixels."""


class Build:
    """What `tinycomp build` wrote: a library in C, its project, the model and the report."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Open a build.

        Args:
            folder: what `tinycomp build` or `Build.save` wrote.

        Raises:
            OutputError: the folder is no build.
        """
        self.folder = Path(folder)
        """Where it lies."""
        self.report: Report = read_report(self.folder)
        """All measurements: flash, RAM, accuracy, latency, layers, notes."""

    @classmethod
    def in_temporary(cls, folder: Path) -> Build:
        """A build in a temporary folder, which is removed once nobody holds the build."""
        build = cls(folder)
        weakref.finalize(build, shutil.rmtree, folder.parent, ignore_errors=True)
        return build

    @property
    def files(self) -> dict[str, Path]:
        """The paths of all files that tinycomp wrote, by their names in the folder."""
        return {name: self.folder / name for name in sorted(read_manifest(self.folder))}

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Copy the build to a folder; the folder's path.

        Args:
            path: the folder, made with its parents.
            force: whether an existing build there may be replaced; sketches, build files and main
                programs that were edited stay.

        Raises:
            OutputError: the folder exists and force is not given; it can't be written; a file of
                the build is missing.
        """
        folder = Path(path)
        if folder.resolve() == self.folder.resolve():
            return folder
        try:
            files = {name: each.read_bytes() for name, each in self.files.items()}
        except OSError as error:
            raise OutputError(
                f"'{error.filename}' can't be read: {error.strerror}.",
                hint="Build the model again.",
            ) from error
        editable = kind_of(board_of(self.report)).editable
        write_folder(folder, files, force=force, editable=editable)
        return folder

    def simulate(self, x: Inputs) -> Array | dict[str, Array]:
        """What the library computes, by the reference simulator, equal in every byte.

        Args:
            x: samples (samples, *input shape) as the float model takes them; of several inputs, one
                array for each name, or a list of arrays in their order. Arrays of the library's own
                type, int8 or int16, are taken as they are.

        Returns:
            Outputs (samples, *output shape): real values, float32; for samples of the library's own
            type, the output's bytes. Of several outputs, one array for each name. A model with
            states takes the samples as consecutive ones; a streamed one takes hops.

        Raises:
            DataError: the samples do not fit the model.
        """
        graph = self._graph
        samples, raw = _samples(graph, x)
        outputs = run(graph, samples if raw else quantize_inputs(graph, samples))
        named = {
            graph.label(tensor.name): values if raw else _real(values, tensor)
            for tensor, values in _split(graph, outputs)
        }
        return next(iter(named.values())) if len(named) == 1 else named

    @cached_property
    def _graph(self) -> Graph:
        return built_folder(self.folder)[2]

    def _repr_html_(self) -> str:
        """The report, for notebooks: a page of its own inside of theirs."""
        page = escaping.escape(html(self.report), quote=True)
        style = f"width: 100%; height: {_PAGE_HEIGHT}px; border: 0"
        return f'<iframe style="{style}" srcdoc="{page}"></iframe>'

    def __repr__(self) -> str:
        """The model, the board and the folder."""
        return f"<Build of {self.report.model.name} for {self.report.board} in '{self.folder}'>"


Built = Build | str | os.PathLike[str]
"""A build, or the path of its folder."""


def folder_of(build: Built) -> Path:
    """Where a build lies."""
    return build.folder if isinstance(build, Build) else Path(build)


def board_name(board: str | os.PathLike[str] | None) -> str | None:
    """A board's name or the path of its file as text, where one is given."""
    return None if board is None else os.fspath(board)


def _samples(graph: Graph, x: Inputs) -> tuple[Array, bool]:
    """Samples (count, *graph.sample_shape), and whether they are of the library's own type."""
    arrays = by_input(graph, x)
    types = {str(values.dtype) for values in arrays}
    raw = types == {graph.sources[0].dtype}
    if not raw and types & {*INTEGERS}:
        raise DataError(
            f"The samples are of type {', '.join(sorted(types))}.",
            expected=f"Expected real values, or {graph.sources[0].dtype} as the library takes.",
        )
    return side_by_side(graph, arrays), raw


def _split(graph: Graph, outputs: Array) -> Iterator[tuple[Tensor, Array]]:
    """Each output of the rows that the library returns."""
    flat, start = outputs.reshape(len(outputs), -1), 0
    for tensor in output_parts(graph):
        values = flat[:, start : start + tensor.size]
        yield tensor, values.reshape(len(values), *tensor.shape)
        start += tensor.size


def _real(values: Array, tensor: Tensor) -> Array:
    assert tensor.quantization is not None
    return dequantize_values(values, tensor.quantization)
