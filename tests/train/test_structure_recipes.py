"""Recipes with structure steps: the model is shrunk, trained, and quantized."""

from __future__ import annotations

import pytest
from test_recipe_run import Files, files, ignore

from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Silent
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.recipes.compression import compress

__all__ = ["files"]

STRUCTURE = """
[training]
batch = 32
[[steps]]
technique = "channels"
macs = 0.5
criterion = "taylor"
ranking = "global"
epochs = 3
normalize = true
[[steps]]
technique = "low_rank"
energy = 0.95
by_layer = { "dense*" = 1 }
epochs = 2
[[steps]]
technique = "int8"
epochs = 2
"""


def test_structure_then_training_then_int8(files: Files) -> None:
    progress = Silent()
    found = compress(files.options(STRUCTURE), progress, ignore)
    whole, channels, ranks, int8 = found.steps
    assert [each.name for each in found.steps] == ["int8 alone", "channels", "low_rank", "int8"]
    assert channels.macs <= 0.5 * whole.macs
    assert ranks.macs < channels.macs
    assert int8.macs == ranks.macs
    assert max(int8.constants, channels.constants) < whole.constants
    assert channels.score is not None
    assert channels.score > 0.8
    assert found.small is not None
    assert found.real is not None
    assert found.small.value > found.real.value - 0.1
    written = parse_tflite(found.prepared.tflite, "small")
    assert any(name.endswith(("vertical", "first")) for name in written.tensors)


def test_unchanged_layers_are_noted(files: Files) -> None:
    steps = '[[steps]]\ntechnique = "low_rank"\nenergy = 1.0\n'
    progress = Silent()
    found = compress(files.options(steps), progress, ignore)
    assert found.steps[0].macs == found.steps[1].macs
    assert [note for note in progress.notes if note.startswith("Not factorized, because ")]


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (
            'technique = "channels"\nfraction = 1.2',
            r"fraction = 1\.2 is not a share of channels that can be removed",
        ),
        ('technique = "channels"\nmacs = 0.001', r"macs = 0\.001 can't be reached: with 90% of"),
        (
            'technique = "tucker"\nby_layer = { "conv2d*" = [99, 3] }',
            r"can't have the output rank 99",
        ),
        ('technique = "chanels"', r"did you mean 'channels'\?"),
    ],
)
def test_impossible_steps_are_refused(files: Files, step: str, text: str) -> None:
    with pytest.raises(TinycompError, match=text):
        compress(files.options(f"[[steps]]\n{step}\n"), Silent(), ignore)


def test_normalization_of_quantized_values_is_noted(files: Files) -> None:
    steps = '[training]\nepochs = 1\nnormalize = true\n[[steps]]\ntechnique = "int8"\n'
    progress = Silent()
    compress(files.options(steps), progress, ignore)
    assert "normalize = true has no effect on trainings of quantized values." in progress.notes
