"""A library has no decoder that its kernels do not call."""

from __future__ import annotations

import re

from small_models import HASH, Layers

from tinycomp.emit.library import emit_library
from tinycomp.ops._window import Window
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower


def test_weights_that_a_kernel_decodes_itself_have_no_function() -> None:
    layers = Layers((4, 4, 40))
    layers.weights, layers.entries = "few", 16
    x = layers.conv("input", 40, Window((1, 1)))
    layers.depthwise(x, Window.make("same", (4, 4), (3, 3)))
    program = lower(layers.graph(), Storage(), "armv7e_m")
    text = emit_library(plan(program), prefix="t", model_hash=HASH)["t.c"]
    looked_up, decoded = re.findall(r"tc_nibbles_t .*\n +\{(\w+)\},", text)
    assert "tc_conv_2d_codebook_dsp(" in text
    assert looked_up == "NULL"
    assert decoded == "tc_nibbles_read"
