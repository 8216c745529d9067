"""The C decoders read what Python encoded, block by block, under sanitizers; all compile."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._registry import codecs
from tinycomp.common import resources
from tinycomp.ir.kernel_call import Weights

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
SHAPES = [(1, 1), (1, 9), (3, 5), (7, 9), (8, 16), (5, 33), (13, 64), (10, 3), (64, 40), (9, 36)]


def _include_folders() -> list[str]:
    firmware = resources.firmware()
    return [f"-I{firmware / folder}" for folder in ("kernels", "codecs")]


def _cases() -> Iterator[tuple[Encoded, Weights]]:
    """Every codec over shapes, blocks, numbers of distinct values and shares of zeros; and -1, 0
    and 1 alone.
    """
    rng = np.random.default_rng(1)
    for shape in SHAPES:
        tables = [
            rng.permutation(np.arange(-128, 128))[:entries]
            for entries in (1, 2, 3, 4, 8, 16, 32, 64, 128, 256)
        ]
        for table in (*tables, np.arange(-1, 2)):
            group = int(rng.choice([1, 1, 2, 3, 4, 8]))
            scores = rng.random((shape[0], -(-shape[1] // group))).repeat(group, axis=1)
            zeros = scores[:, : shape[1]] < rng.random()
            values = np.where(zeros, 0, rng.choice(table, shape))
            block = int(rng.integers(1, shape[0] + 1))
            for words in (False, True):
                weights = Weights(values.astype(np.int8), block, words=words)
                for codec in codecs().values():
                    encoded = codec.encode(weights) if not (words and codec.general) else None
                    if encoded is not None:
                        yield encoded, weights


def _initializer(number: int, encoded: Encoded) -> tuple[str, str]:
    """C code of the arrays and the struct."""
    arrays, members = [], [f"{{tc_{encoded.codec}_read}}"]
    for name, value in encoded.fields.items():
        if isinstance(value, np.ndarray):
            numbers = ", ".join(str(v) for v in value.tolist())
            if name in encoded.far:
                arrays.append(f"extern TC_CONST tc_far_t a{number}_{name}[];")
                arrays.append(f"TC_FAR_BEGIN(a{number}_{name}) TC_FAR_BYTES({numbers}) TC_FAR_END")
            else:
                kind = f"static TC_CONST {value.dtype}_t"
                arrays.append(f"{kind} a{number}_{name}[] = {{{numbers}}};")
            members.append(f"a{number}_{name}")
        else:
            members.append(str(value))
    struct = f"static TC_CONST tc_{encoded.codec}_t w{number} = {{{', '.join(members)}}};"
    return "\n".join(arrays), struct


def _program() -> tuple[str, list[np.ndarray]]:
    """A program that decodes and prints the weights of every case twice; and the weights."""
    lines = [f'#include "{name}.h"' for name in codecs()]
    lines += ["#include <stdio.h>", "#include <stdlib.h>"]
    lines.append(
        """
static void show(const tc_weights_t *weights, size_t count, size_t block, size_t workspace)
{
    int8_t *const buffer = (int8_t *)malloc(workspace + block); /* sanitizers see its end */
    if (workspace != 0) {
        tc_weights_read(weights, 0, 0, buffer);
    }
    for (size_t first = 0; first < count; first += block) {
        const size_t some = count - first < block ? count - first : block;
        fwrite(tc_weights_read(weights, first, some, buffer), 1, some, stdout);
    }
    free(buffer);
}
"""
    )
    calls, expected = [], []
    for number, (encoded, weights) in enumerate(_cases()):
        lines += _initializer(number, encoded)
        size, length = weights.values.size, weights.values.shape[1]
        block = weights.block * length
        call = f"    show(&w{number}.weights, {size}, {block}, {encoded.workspace});"
        calls += [call, call]
        expected += [weights.values, weights.values]
    return "\n".join([*lines, "int main(void)\n{", *calls, "    return 0;\n}\n"]), expected


def test_the_decoders_on_the_host(tmp_path: Path) -> None:
    text, expected = _program()
    source, program = tmp_path / "decode.c", tmp_path / "decode"
    source.write_text(text)
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g1", "-O1"]
    command = ["gcc", "-std=c99", *WARNINGS, *sanitizers, *_include_folders(), str(source)]
    subprocess.run([*command, "-o", str(program)], check=True)
    output = subprocess.run([str(program)], check=True, stdout=subprocess.PIPE).stdout
    np.testing.assert_array_equal(
        np.frombuffer(output, np.int8), np.concatenate([values.reshape(-1) for values in expected])
    )


@pytest.mark.parametrize(
    "command",
    [
        "gcc -std=c99",
        "g++ -x c++ -std=c++11",
        "arm-none-eabi-gcc -std=c99 -mcpu=cortex-m4 -mthumb -Os",
        "arm-none-eabi-gcc -std=c99 -mcpu=cortex-m0 -mthumb -O2",
        "avr-gcc -std=c99 -mmcu=atmega2560 -Os",
    ],
)
def test_the_decoders_compile_without_a_warning(command: str, tmp_path: Path) -> None:
    compiler, *options = command.split()
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    rng = np.random.default_rng(0)
    weights = Weights(
        np.where(rng.random((8, 9)) < 0.5, 0, rng.integers(-3, 3, (8, 9))).astype(np.int8), 4
    )
    others = [Weights(rng.integers(-1, 2, (8, 9)).astype(np.int8), 4)]
    others.append(Weights(np.zeros((8, 8), np.int8), 4))
    lines = [f'#include "{name}.h"' for name in codecs()]
    for number, codec in enumerate(codecs().values()):
        forms = map(codec.encode, [weights, *others] if codec.general else others[-1:])
        encoded = next((form for form in forms if form is not None), None)
        assert encoded is not None, f"{codec.name} holds none of them"
        lines += _initializer(number, encoded)
        lines.append(f"extern const tc_weights_t *weights_{number}(void);")
        lines.append(f"const tc_weights_t *weights_{number}(void) {{ return &w{number}.weights; }}")
        if compiler == "arm-none-eabi-gcc":
            size = f"sizeof(tc_{codec.name}_t) == {encoded.struct_size}"
            lines.append(f"typedef char struct_size_of_{codec.name}[{size} ? 1 : -1];")
    source = tmp_path / "compile.c"
    source.write_text("\n".join(lines) + "\n")
    command_line = [compiler, *options, *WARNINGS, *_include_folders(), "-c", str(source)]
    done = subprocess.run(
        [*command_line, "-o", str(tmp_path / "compile.o")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
