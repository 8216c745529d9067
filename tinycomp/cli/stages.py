"""The stages of each command, by the first words of their titles, for "step i of n"."""

from __future__ import annotations

from pathlib import Path


def preparation(model: Path, data: Path | None, *, compressed: bool) -> list[str]:
    """Those of reading, quantizing and compressing a model."""
    steps = ["Reading"]
    if data is not None:
        steps.append("Reading")
        if model.suffix != ".tflite":
            steps += ["Calibrating", "Choosing ranges"]
    if compressed:
        steps += ["Clustering", *(["Making up"] if data is not None else [])]
    return steps


def building(
    model: Path, data: Path | None, board: str, *, compressed: bool, verify: bool, bench: bool,
    streamed: bool = False,
) -> list[str]:  # fmt: skip
    """Those of a build, as far as the tools are there that they take.

    Raises:
        BoardError: there is no such board.
    """
    from tinycomp.device import firmware_build
    from tinycomp.target.boards import load_board
    from tinycomp.target.toolchain import is_available

    target = load_board(board)
    emulated = firmware_build.emulated_board(target)
    runs = not emulated.is_host and firmware_build.missing(emulated) is None
    compiles = is_available(target.compiler)
    steps = [*preparation(model, data, compressed=compressed), "Planning"]
    if compiles:
        steps += [
            *(["Choosing how"] if compressed and not target.is_host else []),
            "Measuring code",
        ]
    if data is not None:
        steps += [*(["Comparing"] if model.suffix != ".tflite" else []), "Evaluating"]
    if (verify or bench) and runs:
        steps.append("Compiling for")
    if verify:
        steps += ["Compiling for this"] if firmware_build.host_available() else []
        steps.append("Verifying")
    steps += ["Measuring on"] if bench and runs else []
    if compiles and (compressed or streamed):
        steps.append("Building the whole" if streamed else "Building plain")
    return steps
