"""Sigmoid and tanh of int16 in C equal their definition for every value and format."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tinycomp.common import resources
from tinycomp.ir.fixed_point_16 import sigmoid_table, tanh_table

KERNELS = resources.firmware() / "kernels"
PROGRAM = """
#include <stdio.h>
#include "functions_16.h"
int main(void)
{
    for (int bits = -1; bits < 7; bits++) {
        for (int32_t x = -32768; x < 32768; x++) {
            const int16_t y = (int16_t)(bits < 0 ? tc_sigmoid_16(x) : tc_tanh_16(x, bits));
            fwrite(&y, sizeof y, 1, stdout);
        }
    }
    return 0;
}
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("kernels", ["generic", "armv7e_m"])
def test_every_value_equals_the_definition(kernels: str, tmp_path: Path) -> None:
    (tmp_path / "all.c").write_text(PROGRAM)
    flags = (
        "-O1",
        "-fsanitize=undefined",
        "-fno-sanitize-recover=all",
        f"-I{KERNELS}",
        f"-I{KERNELS / kernels}",
    )
    command = ["gcc", *flags, str(tmp_path / "all.c"), "-o", str(tmp_path / "all")]
    subprocess.run(command, check=True)
    done = subprocess.run([tmp_path / "all"], capture_output=True, check=True)
    found = np.frombuffer(done.stdout, np.int16).reshape(8, -1)
    assert np.array_equal(found, [sigmoid_table(), *map(tanh_table, range(7))])
