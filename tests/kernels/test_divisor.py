"""Means by divisor.h round half away from zero: every sum of every supported count."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinycomp.common import resources
from tinycomp.ir.fixed_point import reciprocal

SOURCE = """
#include "divisor.h"
#include <stdio.h>

static long mean(long sum, long count) /* in C99, / rounds towards zero */
{
    return (sum < 0 ? sum - count / 2 : sum + count / 2) / count;
}

int main(void)
{
    const unsigned counts[] = {%s}; /* beyond the last one that is multiplied */
    long wrong = 0;
    for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++) {
        tc_divisor_t divisor = {0, 0, 0, 0, -128, 127};
        const long count = (long)counts[i];
        tc_divisor_set(&divisor, counts[i], tc_divisor_reciprocal(counts[i]));
        for (long sum = -128 * count; sum <= 127 * count; sum++) {
            wrong += tc_divisor_mean(&divisor, (int32_t)sum) != mean(sum, count);
        }
        printf("%%u ", (unsigned)tc_divisor_reciprocal(counts[i]));
    }
    printf("%%ld", wrong);
    return 0;
}
"""
COUNTS = [*range(1, 260), 4224]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_every_sum(tmp_path: Path) -> None:
    source, program = tmp_path / "a.c", tmp_path / "a"
    source.write_text(SOURCE % ", ".join(map(str, COUNTS)))
    include = f"-I{resources.firmware() / 'kernels'}"
    subprocess.run(["gcc", "-std=c99", "-O2", include, source, "-o", program], check=True)
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    *reciprocals, wrong = map(int, printed.split())
    assert wrong == 0
    for count, found in zip(COUNTS, reciprocals, strict=True):
        factor, shift = reciprocal(count)  # as the operator gives it to its kernel
        assert found == factor >> (7 + shift) == (1 << 24) // count
