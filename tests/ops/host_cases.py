"""Compiles all cases of an operator into one C program with sanitizers.

Every tensor and scratch buffer is a separate block from malloc, exactly as large as declared, so
that sanitizers detect kernels that access memory beyond it; in a library they are adjacent.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from conformance import Case
from kernel_text import COPYING_CODEC, constants, scratch_size

from tinycomp.common import resources
from tinycomp.int16._registry import arithmetic
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.kernel_call import KernelCall
from tinycomp.ir.tensor import Array
from tinycomp.ops._rows import byte_rows

FLAGS = ("-std=c99", "-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")

_MAIN = """
/* argv: case, rows a call. Reads samples from standard input, writes every tensor of each. */
int main(int argc, char **argv)
{
    const case_t *const c = &cases[atoi(argv[1])];
    int8_t *tensors[MOST];
    int more = argc == 3;
    while (more) {
        for (int i = 0; i < c->count; i++) {
            tensors[i] = (int8_t *)malloc(c->sizes[i]);
            memset(tensors[i], 0x55, c->sizes[i]);
        }
        more = fread(tensors[0], 1, c->sizes[0], stdin) == c->sizes[0];
        if (more) {
            c->run(tensors, (unsigned)atoi(argv[2]));
        }
        for (int i = 0; i < c->count; i++) {
            if (more) {
                fwrite(tensors[i], 1, c->sizes[i], stdout);
            }
            free(tensors[i]);
        }
    }
    return 0;
}
"""


class HostCases:
    """The compiled program of some cases."""

    def __init__(self, cases: Sequence[Case], folder: Path, kernels: str = "generic") -> None:
        self.cases = list(cases)
        self.program = folder / "cases"
        source = folder / "cases.c"
        source.write_text(_source(self.cases))
        root = resources.firmware() / "kernels"
        include = [f"-I{root / kernels}", f"-I{root}", f"-I{root / 'generic'}"]
        command = ["gcc", *FLAGS, *WARNINGS, *include, source, "-o", self.program]
        subprocess.run(command, check=True)

    def run(self, number: int, rows_a_call: int = 65535) -> dict[str, Array]:
        """Every tensor of a case by name, (samples, *shape)."""
        case = self.cases[number]
        command = [self.program, str(number), str(rows_a_call)]
        done = subprocess.run(command, input=case.inputs.tobytes(), capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        samples = np.frombuffer(done.stdout, np.int8).reshape(len(case.inputs), -1)
        found, start = {}, 0
        for name in _names(case.graph):
            tensor = case.graph.tensors[name]
            values = np.ascontiguousarray(samples[:, start : start + tensor.nbytes])
            found[name] = values.view(tensor.dtype).reshape(len(samples), *tensor.shape)
            start += tensor.nbytes
        return found


def call_of(graph: Graph, node: Node) -> KernelCall | None:
    """The portable kernel's call."""
    operands = graph.operands(node)
    return arithmetic(node.op, operands).kernel(operands)


def _names(graph: Graph) -> list[str]:
    return [graph.inputs[0], *(node.outputs[0] for node in graph.nodes)]


def _source(cases: Sequence[Case]) -> str:
    graphs = [case.graph for case in cases]
    calls = [call_of(graph, node) for graph in graphs for node in graph.nodes]
    kernels = sorted({call.kernel for call in calls if call is not None})
    most = max(len(_names(graph)) for graph in graphs)
    lines = [COPYING_CODEC, "#include <stdio.h>", "#include <stdlib.h>", f"#define MOST {most}"]
    lines += [f'#include "{kernel}.h"' for kernel in kernels]
    lines.append(
        "typedef struct { int count; const size_t *sizes; void (*run)(int8_t **, unsigned); }"
        " case_t;"
    )
    for number, graph in enumerate(graphs):
        lines += _function(number, graph)
    table = (f"{{{len(_names(g))}, sizes_{n}, run_{n}}}" for n, g in enumerate(graphs))
    lines.append(f"static const case_t cases[] = {{{', '.join(table)}}};")
    return "\n".join([*lines, _MAIN])


def _function(number: int, graph: Graph) -> list[str]:
    """The function run_<number>: all nodes of a graph, in calls of `step` rows."""
    names = _names(graph)
    sizes = ", ".join(str(graph.tensors[name].nbytes) for name in names)
    lines = [f"static const size_t sizes_{number}[] = {{{sizes}}};"]
    body = []
    for index, node in enumerate(graph.nodes):
        call = call_of(graph, node)
        if call is not None:
            lines += constants(f"constants_{number}_{index}", call)
        body += _step(graph, node, f"constants_{number}_{index}", names)
    text = "\n".join(body)
    return [
        *lines,
        f"static void run_{number}(int8_t **t, unsigned step)\n{{\n{text}\n(void)step;\n}}",
    ]


def _step(graph: Graph, node: Node, name: str, names: Sequence[str]) -> list[str]:
    """One node: calls of `step` rows, or a copy if the output has the same bytes as the input."""
    operands = graph.operands(node)
    call = call_of(graph, node)
    target = names.index(operands.output.name)
    if call is None:
        source = names.index(operands.activations[0].name)
        return [f"memcpy(t[{target}], t[{source}], {operands.output.nbytes});"]
    height, stride = byte_rows(operands.output)
    counted = byte_rows(operands.activations[0])[0] if call.input_rows else height
    views = []
    for tensor in operands.activations:
        size = byte_rows(tensor)
        views.append(f"{{t[{names.index(tensor.name)}], {size[1]}, {size[0]}}}")
    return [
        "{",
        f"const tc_input_t in[] = {{{', '.join(views)}}};",
        f"const tc_output_t out = {{t[{target}], {stride}, {height}}};",
        f"int8_t *const scratch = (int8_t *)malloc({scratch_size(call)});",
        f"for (unsigned y = 0; y < {counted}u; y += step) {{",
        f"const unsigned end = y + step < {counted}u ? y + step : {counted}u;",
        f"tc_{call.kernel}(&{name}, in, &out, (uint16_t)y, (uint16_t)end, scratch);",
        "}",
        "free(scratch);",
        "}",
    ]
