"""Plans, emits and compiles a model for its board, and chooses the cheapest of several ways to
store its weights by the compiled size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tinycomp.common.errors import BoardError
from tinycomp.common.progress import Progress
from tinycomp.device.firmware_build import FirmwareBuild, Measured
from tinycomp.emit.c_syntax import c_comment, c_prefix
from tinycomp.emit.example import Example, choose_example
from tinycomp.emit.folder import write_folder
from tinycomp.emit.library import StackNeed, emit_library, harness_model
from tinycomp.emit.package_files import package_files
from tinycomp.emit.project import Content, lay_out, project_paths
from tinycomp.options.build import Optimize, Packaging, PlanOptions
from tinycomp.passes.bundle_outputs import output_parts
from tinycomp.plan.check import proven
from tinycomp.plan.costs import Costs
from tinycomp.plan.memory import Plan
from tinycomp.plan.program import Program
from tinycomp.plan.storage import (
    CODE,
    POLICIES,
    StorageTarget,
    other_programs,
    simpler_programs,
    stored_program,
)
from tinycomp.plan.streaming import choose
from tinycomp.prepare import Prepared, evaluation_inputs
from tinycomp.proof.idle_codebooks import idle_note
from tinycomp.proof.measure import footprint
from tinycomp.target.boards import Board
from tinycomp.target.fit import fits
from tinycomp.target.toolchain import is_available

RAM_BYTE = 2
"""Bytes of flash that a byte of RAM is worth, unless the goal is the least flash; boards have 4 to
30 times as much flash.
"""
MODEL_NAME = "model.tflite"
"""The exported model in an output folder."""


@dataclass(frozen=True, eq=False)
class Assembly:
    """A build of a model for a board."""

    plan: Plan
    """The kernel calls with their stored weights, and all addresses."""
    files: Mapping[str, str | bytes]
    """The emitted files, by name."""
    firmware: FirmwareBuild
    """Compiles its library."""
    small: bool = False
    """Whether its code is compiled for size, whatever the board's options are."""

    @cached_property
    def measured(self) -> Measured:
        """Flash and stack of its library.

        Raises:
            ToolError: the board's compiler is missing or fails.
        """
        return self.firmware.measure()

    @property
    def flash(self) -> int:
        """Bytes of code and constants."""
        sizes = self.measured.sizes
        return sizes.code + sizes.constants + sizes.data

    @property
    def codecs(self) -> set[str]:
        """The codecs in use."""
        operations = self.plan.program.operations
        return {encoded.codec for operation in operations for encoded in operation.encoded}


@dataclass(frozen=True)
class Assembler:
    """Builds models for one board, each in its own subfolder of `folder`."""

    board: Board
    """The target board."""
    options: PlanOptions
    """The user's options for planning."""
    folder: Path
    """Temporary folder for projects and object files."""
    note: Callable[[str], None]
    """Receives messages for the user."""
    benchmark: str | None = None
    """The MLPerf Tiny benchmark that the harness reports; None: derived from the name."""
    packaging: Packaging = field(default_factory=Packaging)
    """Packages for other build systems."""

    def cheapest(self, prepared: Prepared, progress: Progress, name: str = "") -> Assembly:
        """Build the model with the codecs worth their decoders; a note names the others. With
        "flash" also try what else may take fewer bytes: see storage.other_programs.

        Args:
            prepared: the model.
            progress: what is being done.
            name: of the subfolders, if there are other builds.
        """
        board, optimize = self.board, self.options.optimize
        with progress.stage(f"Planning memory for {board.name}"):
            program = lower_for(prepared, board, self.options)
            chosen = first = self.assemble(prepared, program, f"{name}0")
        if is_available(board.compiler) and not board.is_host:
            target = storage_target(board, self.options)
            others = simpler_programs(prepared.graph, program, optimize, target)
            if optimize == "flash":
                others += other_programs(prepared.graph, target)
            if others:
                with progress.stage(f"Choosing how weights are stored on {board.name}"):
                    chosen = self._cheapest(prepared, first, others, name)
        if chosen.codecs < first.codecs:
            left_out = sorted(first.codecs - chosen.codecs)
            self.note(
                f"Weights are not stored as {', '.join(left_out)}: "
                "decoding would cost more than it saves."
            )
        if note := idle_note(prepared, chosen.plan.program, optimize):
            self.note(note)
        return chosen

    def _cheapest(
        self, prepared: Prepared, first: Assembly, others: Sequence[Program], name: str
    ) -> Assembly:
        """The cheapest of an assembly and those of other programs. With "flash" layers are whole
        where that takes fewer bytes: it needs no schedule.
        """
        optimize, assembler, found = self.options.optimize, self, [first]
        small = optimize == "flash"
        if small and first.plan.stretch:
            whole = replace(self, options=replace(self.options, optimize="speed"))
            found += [whole.assemble(prepared, first.plan.program, f"{name}whole", small=True)]
            assembler = whole if _cheapest(found, optimize) is found[1] else self
        found += [
            assembler.assemble(prepared, each, f"{name}{index}", small=small)
            for index, each in enumerate(others, start=1)
        ]
        return _cheapest(found, optimize)

    def assemble(
        self, prepared: Prepared, program: Program, name: str, small: bool | None = None
    ) -> Assembly:
        """Plan and emit a program in the subfolder `name`.

        Args:
            prepared: the model.
            program: its kernel calls.
            name: of the subfolder.
            small: whether code is compiled for size; None: with "flash".

        Raises:
            BoardError: no plan was found within --ram-limit.
        """
        small = self.options.optimize == "flash" if small is None else small
        planned = _plan(program, self.board, self.options, self.note)
        return self.emit(prepared, planned, name, small=small)

    def emit(
        self, prepared: Prepared, planned: Plan, name: str, *, small: bool = False
    ) -> Assembly:
        """Emit a plan in the subfolder `name`; `small`: its code is compiled for size."""
        board, prefix, folder = self.board, c_prefix(prepared.graph.name), self.folder / name
        files = _files(prepared, planned, board, self._style(prefix, small=small))
        write_folder(folder / "project", files)
        library = folder / "project" / project_paths(board, prefix).library
        build, benchmark = folder / "build", self.benchmark
        firmware = FirmwareBuild(board, library, prefix, build, benchmark)
        return Assembly(planned, files, firmware, small)

    def _style(self, prefix: str, stack: StackNeed | None = None, *, small: bool) -> _Style:
        return _Style(prefix, self.benchmark, self.packaging, stack, small)

    def final_files(self, prepared: Prepared, assembly: Assembly) -> dict[str, str | bytes]:
        """The project of an assembly; its header says what stack the compiled library needs."""
        stack, board = None, self.board
        if is_available(board.compiler) and (size := assembly.measured.stack) is not None:
            compiler = f"{board.compiler.prefix}gcc {board.compiler.optimize}"
            stack = StackNeed(size, f"{board.name} ({compiler})")
        style = self._style(c_prefix(prepared.graph.name), stack, small=assembly.small)
        return _files(prepared, assembly.plan, board, style)


def lower_for(prepared: Prepared, board: Board, options: PlanOptions) -> Program:
    """Kernel calls with weights stored according to `--optimize`, within the board's RAM. Without a
    compression recipe, weights are only decoded if that saves much.
    """
    target, compressed = storage_target(board, options), bool(prepared.compression)
    return stored_program(prepared.graph, options.optimize, compressed=compressed, place=target)


def storage_target(board: Board, options: PlanOptions) -> StorageTarget:
    """Limits for storing weights: the flash, or the limit of constants if that is lower."""
    flash = board.memory.usable_flash
    if board.memory.constants is not None:
        flash = min(flash, board.memory.constants + CODE)
    far = board.memory.usable_flash if board.memory.far else None
    memory, ram = board.memory, options.ram(board)
    return StorageTarget(board.kernels, memory.harvard, flash, ram, far, memory.largest_array)


def _plan(
    program: Program, board: Board, options: PlanOptions, note: Callable[[str], None]
) -> Plan:
    """The proven plan, within the user's RAM limit."""
    planned = choose(program, options.optimize, options.ram(board), options.push_input)
    planned = proven(planned, note)
    if options.ram_limit is not None and planned.arena > options.ram_limit:
        raise BoardError(
            f"The smallest arena found has {planned.arena:,} bytes; --ram-limit allows "
            f"{options.ram_limit:,}.",
            hint="Allow more, or give the model a smaller input or fewer channels.",
        )
    return planned


@dataclass(frozen=True)
class _Style:
    """How a library is emitted, beside its plan."""

    prefix: str
    """Of its C names."""
    benchmark: str | None
    """The MLPerf Tiny benchmark that the harness reports; None: derived from the name."""
    packaging: Packaging
    """Packages for other build systems."""
    stack: StackNeed | None
    """What it needs, once it is compiled."""
    small: bool
    """Whether code is compiled for size."""


def _files(
    prepared: Prepared, planned: Plan, board: Board, style: _Style
) -> dict[str, str | bytes]:
    """All files of the output folder except the report."""
    prefix = style.prefix
    library = emit_library(
        planned, prefix=prefix, model_hash=prepared.sha256, stack=style.stack, small=style.small
    )
    types = {tensor.dtype for tensor in prepared.graph.tensors.values()}
    content = Content(
        prefix=prefix,
        title=c_comment(prepared.graph.name),
        model_hash=prepared.sha256,
        library=library,
        harness_model=harness_model(prefix, style.benchmark),
        sample=evaluation_inputs(prepared.graph, prepared.dataset, 1)[0],
        keeps=bool(prepared.graph.states),
        class_names=prepared.graph.class_names,
        outputs=len(output_parts(prepared.graph)),
        example=_example(prepared),
        arithmetic=" and ".join(sorted(types, key=len)),
    )
    packages = package_files(board, content, style.packaging)
    return {**lay_out(board, content), **packages, MODEL_NAME: prepared.tflite}


def _example(prepared: Prepared) -> Example:
    """What the example prints; a reconstruction error is only defined if the input is not
    normalized by the library.
    """
    graph, task = prepared.graph, prepared.task
    if task == "reconstruction" and graph.input_transform is not None:
        return Example("values")
    return choose_example(graph.class_names, prepared.shape, task)


def _cheapest(assemblies: Sequence[Assembly], optimize: Optimize) -> Assembly:
    """The assembly that fits the board and takes the fewest bytes of flash and RAM, plus a byte per
    so many predicted instructions, depending on `--optimize`; the last of equal ones. A byte of
    RAM counts as RAM_BYTE bytes of flash: no board has less flash than RAM. With "flash" only
    flash counts.
    """
    board, rate = assemblies[0].firmware.board, POLICIES[optimize].byte
    ram_byte = 0 if optimize == "flash" else RAM_BYTE

    def cost(assembly: Assembly) -> tuple[bool, float]:
        instructions = Costs(assembly.plan.program).instructions(assembly.plan.steps)
        needed = footprint(assembly.plan, assembly.measured)
        memory = assembly.flash + ram_byte * needed.ram
        return not fits(board, needed), memory + instructions / rate

    return min(reversed(assemblies), key=cost)
