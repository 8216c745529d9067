"""Numbers with three decimals, formatted like C's printf."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tinycomp.common import resources
from tinycomp.device.firmware_build import host_available
from tinycomp.target.boards import load_board
from tinycomp.target.toolchain import SANITIZE, STRICT, Options, compile_objects, link

PROGRAM = r"""
#include <stdio.h>
#include <string.h>
#include "port.h"
#include "text.h"

static char text[64];
static size_t length;

void tc_port_write(char c)
{
    text[length++] = c;
}

static int differs(float x)
{
    char expected[64];
    length = 0;
    tc_put_fixed(x);
    text[length] = 0;
    (void)snprintf(expected, sizeof expected, "%.3f", (double)x);
    const char *const unsigned_zero = strcmp(expected, "-0.000") == 0 ? expected + 1 : expected;
    if (strcmp(unsigned_zero, text) == 0) {
        return 0;
    }
    printf("%s is written %s\n", expected, text);
    return 1;
}

int main(void)
{
    int different = 0;
    uint32_t state = 1;
    for (int i = -5000; i < 5000; i++) {
        different += differs((float)i / 256.0F) + differs((float)i / 16.0F);
        different += differs((float)i * 1e-4F);
    }
    for (int i = 0; i < 200000 && different < 10; i++) {
        float x;
        state = state * 1664525U + 1013904223U;
        const uint32_t magnitude = (state & 0x3fffffffU) % 0x18000000U + 0x30000000U;
        const uint32_t bits = (state & 0x80000000U) | magnitude;
        memcpy(&x, &bits, sizeof x);
        different += differs(x);
    }
    return different != 0;
}
"""


@pytest.mark.skipif(not host_available(), reason="gcc is not installed")
def test_equals_printf(tmp_path: Path) -> None:
    """Ties, carries, tiny and large numbers."""
    source = tmp_path / "main.c"
    source.write_text(PROGRAM)
    harness, compiler = resources.firmware() / "harness", load_board("host").compiler
    flags = tuple(flag for flag in STRICT if flag != "-Wdouble-promotion")
    options = Options((harness,), (*flags, *SANITIZE))
    objects = compile_objects(compiler, [source, harness / "text.c"], tmp_path, options)
    program = link(compiler, objects, tmp_path / "main", SANITIZE)
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
