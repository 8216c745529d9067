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
    model: Path, data: Path | None, *, compressed: bool, verify: bool, bench: bool, host: bool
) -> list[str]:
    """Those of a build."""
    steps = preparation(model, data, compressed=compressed)
    steps += ["Choosing how", "Measuring code"]
    if data is not None:
        steps += [*(["Comparing"] if model.suffix != ".tflite" else []), "Evaluating"]
    if (verify or bench) and not host:
        steps.append("Compiling for")
    if verify:
        steps.append("Compiling for this")
    steps += ["Verifying"] if verify else []
    steps += ["Measuring on"] if bench and not host else []
    steps += ["Building plain"] if compressed else []
    return steps
