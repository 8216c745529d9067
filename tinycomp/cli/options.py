"""Options and arguments that several commands take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tinycomp.options.build import Optimize
from tinycomp.options.data import Task

if TYPE_CHECKING:
    from tinycomp.device.link import SerialPort
    from tinycomp.report.advice import Origin
    from tinycomp.report.record import Report

_FRACTION = re.compile(r"([^/]+)(?:/([^/]+))?")


def number(text: str | float) -> float:
    """Parse a number or a fraction such as "1/255"."""
    found = _FRACTION.fullmatch(str(text))
    try:
        above, below = (float(part or 1) for part in found.groups()) if found else (1.0, 0.0)
        return above / below
    except (ValueError, ZeroDivisionError):
        raise typer.BadParameter(
            f"{text!r} is not a number. Expected one such as 0.5 or 1/255."
        ) from None


Goal = Optimize
"""What builds are optimized for."""


def _boards_beginning(text: str) -> list[str]:
    """What the shell proposes for a board."""
    from tinycomp.target.board_files import board_names

    return [name for name in board_names() if name.startswith(text)]


Model = Annotated[
    Path,
    typer.Argument(
        help="A .keras, .h5, .onnx, .pt2 or .tflite file, or a folder with a SavedModel "
        "(docs/models.md).",
        show_default=False,
    ),
]
Built = Annotated[
    Path, typer.Argument(help="A folder that 'tinycomp build' wrote.", show_default=False)
]
BoardName = Annotated[
    str,
    typer.Option(
        "--board",
        "-b",
        help="A name from 'tinycomp boards', or the path of a board file.",
        autocompletion=_boards_beginning,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        "-d",
        help="Calibration and evaluation samples: .npz, .npy, .csv, or a folder of images or .wav "
        "files by class (docs/data.md).",
    ),
]
Bits = Annotated[
    int | None,
    typer.Option(
        "--codebook-bits",
        min=1,
        max=8,
        help="At most 2^BITS distinct weights per codebook.",
        show_default=False,
    ),
]
Sparsity = Annotated[
    float,
    typer.Option(
        "--sparsity", min=0.0, max=0.9999, help="Share of weights to prune, by magnitude."
    ),
]
Recipe = Annotated[
    Path | None,
    typer.Option(
        "--recipe",
        help="Steps of training and compression, or compression by layer: a TOML file, or the "
        "name of a recipe (docs/recipes.md).",
    ),
]
Calibration = Annotated[
    str,
    typer.Option(
        "--calibration",
        help="How ranges are chosen: auto (closest to float), min-max, percentile, mse.",
    ),
]
Activations = Annotated[
    Literal["8", "16"],
    typer.Option(
        "--activations",
        help="Bits of activations: 16 where 8 cost accuracy, at twice the RAM.",
    ),
]
InputQuantization = Annotated[
    str | None,
    typer.Option(
        "--input-quantization",
        metavar="SCALE,ZERO",
        help="Scale and zero point of the input bytes, or an int8 .tflite to take them from.",
        show_default=False,
    ),
]
Scale = Annotated[
    float,
    typer.Option(
        "--input-scale",
        parser=number,
        metavar="NUMBER",
        help="Model input = data * scale + offset; 1/255 for pixels of a model trained on 0 to 1.",
    ),
]
Offset = Annotated[
    float,
    typer.Option(
        "--input-offset",
        parser=number,
        metavar="NUMBER",
        help="Model input = data * scale + offset.",
    ),
]
XKey = Annotated[str | None, typer.Option("--x-key", help="The array of inputs in the .npz.")]
YKey = Annotated[str | None, typer.Option("--y-key", help="The array of labels in the .npz.")]
Labels = Annotated[
    Path | None,
    typer.Option("--labels", help="The .npy of labels for an .npy of inputs.", show_default=False),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        "--label-column",
        metavar="NAME",
        help="The column of labels in a .csv, by name or number from 1.",
        show_default=False,
    ),
]
ClassNames = Annotated[
    str | None,
    typer.Option(
        "--class-names",
        metavar="A,B,...",
        help="What the model's outputs stand for, in their order.",
        show_default=False,
    ),
]
OtherBoard = Annotated[
    str | None,
    typer.Option(
        "--board",
        "-b",
        help="Another board than the build's.",
        show_default=False,
        autocompletion=_boards_beginning,
    ),
]
Samples = Annotated[int, typer.Option("--samples", min=1, help="Samples to verify on.")]
Evaluate = Annotated[
    int | None,
    typer.Option(
        "--evaluate",
        min=1,
        help="Evaluate on at most this many samples; all by default.",
        show_default=False,
    ),
]
TaskName = Annotated[
    Task | None,
    typer.Option(
        "--task",
        help="What the model is for, if labels and shapes don't show it (docs/data.md).",
        show_default=False,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Replace what tinycomp wrote into an existing folder; build files, sketches and "
        "main programs that were edited stay.",
    ),
]
LibraryOnly = Annotated[
    bool,
    typer.Option(
        "--library-only",
        help="Replace the library, the model and the reports of an earlier build; leave the rest "
        "of the folder as it is.",
    ),
]
ForceFile = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
Port = Annotated[
    str | None,
    typer.Option("--port", help="Serial port of a real board, already flashed with the build."),
]

Baud = Annotated[
    int | None,
    typer.Option(
        "--baud",
        min=1,
        help="Baud rate of the port; the board's by default.",
        show_default=False,
    ),
]
StartupTimeout = Annotated[
    float | None,
    typer.Option(
        "--startup-timeout",
        min=0.1,
        help="Seconds that the board may take to boot; 20 by default.",
        show_default=False,
    ),
]
NoReset = Annotated[
    bool,
    typer.Option(
        "--no-reset",
        help="Leave DTR and RTS low when the port is opened, so that many boards do not reset.",
    ),
]


def serial_port(
    port: str | None, baud: int | None, startup_timeout: float | None, no_reset: bool
) -> SerialPort | None:
    """How a real board is reached; None for an emulator.

    Raises:
        DeviceError: an option for a port is given, but no port.
    """
    from tinycomp.common.errors import DeviceError
    from tinycomp.device.link import STARTUP_SECONDS, SerialPort

    if port is not None:
        return SerialPort(port, baud, startup_timeout or STARTUP_SECONDS, reset=not no_reset)
    given = {"--baud": baud, "--startup-timeout": startup_timeout, "--no-reset": no_reset or None}
    for option, value in given.items():
        if value is not None:
            raise DeviceError(
                f"{option} applies to a real board, but --port was not given.",
                hint=f"Name the board's serial port with --port, or leave {option} out.",
            )
    return None


def origin_of(
    folder: Path, report: Report, model: Path | None = None, data: Path | None = None,
    board: str | None = None,
) -> Origin:  # fmt: skip
    """What the commands that come after a build are about; the model and the data are not known
    of a folder that was built before.
    """
    from tinycomp.cli.typed import reading_options
    from tinycomp.proof.built_for import board_of
    from tinycomp.report.advice import Origin

    flashable = board_of(report).flash is not None
    if model is None:
        return Origin(str(folder), flashable=flashable, board=board)
    trainable = model.suffix != ".tflite"
    samples = str(data) if data else None
    reading = reading_options()
    return Origin(str(folder), str(model), samples, flashable, trainable, reading, board)


def split(names: str | None) -> tuple[str, ...]:
    """The names of a list with commas."""
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())
