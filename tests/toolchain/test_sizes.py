"""Sizes and stack of called functions only, with every installed compiler."""

from __future__ import annotations

from pathlib import Path

import pytest
from distinct_boards import distinct_boards

from tinycomp.common.errors import ToolError
from tinycomp.target.boards import Board, load_board
from tinycomp.target.sizes import (
    EXTERNAL_STACK,
    Sizes,
    assembly_stack,
    deepest_stack,
    section_sizes,
)
from tinycomp.target.toolchain import (
    compile_objects,
    inference_sizes,
    inference_stack,
    is_available,
)

HEADER = '#include "tinycomp.h"\n'
CONSTANTS = "TC_CONST int8_t used[100] = {1};\nTC_CONST int32_t spare[50] = {2};\n"
INVOKE = CONSTANTS + "int x_invoke(int i) { return TC_READ_I8(&used[i]); }\n"
SPARE = "int x_spare(int i) { return TC_READ_I32(&spare[i]) / (i + 3); }\n"
KERNELS = Path(__file__).parents[2] / "firmware" / "kernels"


def skip_without(board: Board) -> None:
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is missing")


def compiled(board: Board, folder: Path, text: str, *more: str) -> tuple[Path, ...]:
    header = (KERNELS / "tinycomp.h").read_text()
    (folder / "tinycomp.h").write_text(header)
    sources = []
    for index, content in enumerate((text, *more)):
        sources.append(folder / f"part{index}.c")
        sources[-1].write_text(HEADER + content)
    return compile_objects(board.compiler, sources, folder)


def sizes(board: Board, folder: Path, text: str, *more: str) -> Sizes:
    objects = compiled(board, folder, text, *more)
    return inference_sizes(board.compiler, objects, "x_invoke", folder)


@pytest.mark.parametrize("board", distinct_boards())
def test_only_called_functions_count(board, tmp_path):
    skip_without(board)
    alone = sizes(board, tmp_path, INVOKE)
    assert alone.constants == 100
    assert 0 < alone.code < 60
    assert alone.ram == 0
    assert sizes(board, tmp_path, INVOKE + SPARE, "int y_spare(void) { return 5; }\n") == alone


@pytest.mark.parametrize("board", distinct_boards())
def test_data_and_bss_are_ram(board, tmp_path):
    skip_without(board)
    text = "static int8_t first[40] = {1}; static int8_t second[30];\n"
    text += "int8_t x_invoke(int i) { return (int8_t)(first[i]++ + second[i]++); }\n"
    found = sizes(board, tmp_path, text)
    assert (found.data, found.bss, found.constants) == (40, 30, 0)
    assert found.flash == found.code + 40


@pytest.mark.parametrize("board", distinct_boards())
def test_a_constant_struct_with_pointers_is_a_constant(board, tmp_path):
    kind = "typedef struct { const int8_t *values; } s_t; extern TC_CONST s_t s;\n"
    table = kind + "static TC_CONST int8_t values[64] = {1}; TC_CONST s_t s = {values};\n"
    invoke = "int x_invoke(int i) { TC_FETCH(s_t, p, &s); return TC_READ_I8(&p->values[i]); }\n"
    found = sizes(board, tmp_path, kind + invoke, table)
    assert found.ram == 0
    assert 66 <= found.constants <= 72


@pytest.mark.parametrize(
    ("name", "operation", "least"),
    [("cortex-m4", "/", 200), ("uno", "/", 200), ("esp32", "<<", 30)],
)
def test_the_compilers_helpers_count_as_code(name, operation, least, tmp_path):
    board = load_board(name)
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is missing")
    text = f"int64_t x_invoke(int64_t a, int64_t b) {{ return a {operation} b; }}\n"
    assert sizes(board, tmp_path, text).code > least


@pytest.mark.parametrize("name", ["host", "cortex-m4", "esp32"])
def test_the_stack_is_that_of_the_deepest_path(name, tmp_path):
    board = load_board(name)
    if not is_available(board.compiler):
        pytest.skip(f"{board.compiler.prefix}gcc is missing")
    text = """
    #define APART static __attribute__((noinline))
    void take(volatile int8_t *p);
    APART int deep(int i) { volatile int8_t a[400]; take(a); return a[i]; }
    APART int flat(int i) { volatile int8_t a[16]; take(a); return a[i]; }
    int x_invoke(int i) { volatile int8_t a[100]; take(a); return flat(i) + deep(i) + a[i]; }
    """
    found = inference_stack(compiled(board, tmp_path, text), "x_invoke")
    assert found is not None
    assert 500 + EXTERNAL_STACK <= found < 650 + EXTERNAL_STACK


def test_a_call_through_a_pointer_reaches_functions_without_direct_callers(tmp_path):
    board = load_board("host")
    if not is_available(board.compiler):
        pytest.skip("gcc is missing")
    text = """
    void take(volatile int8_t *p);
    static int reader(int i) { volatile int8_t a[300]; take(a); return a[i]; }
    typedef int (*reader_t)(int);
    extern const reader_t table[1];
    const reader_t table[1] = {reader};
    int x_invoke(const reader_t *readers, int i) { return readers[0](i) + 1; }
    """
    found = inference_stack(compiled(board, tmp_path, text), "x_invoke")
    assert found is not None
    assert found > 300


GRAPH = """graph: {{ title: "x.c"
node: {{ title: "x_invoke" label: "x_invoke\\nx.c:1:5\\n{invoke}" }}
node: {{ title: "inner" label: "inner\\nx.c:2:5\\n8 bytes (static)" }}
node: {{ title: "memcpy" label: "memcpy\\n<built-in>" shape : ellipse }}
edge: {{ sourcename: "x_invoke" targetname: "inner" }}
edge: {{ sourcename: "inner" targetname: "{inner}" }}
}}
"""


@pytest.mark.parametrize(
    ("invoke", "inner", "depth"),
    [
        ("16 bytes (static)", "memcpy", 24 + EXTERNAL_STACK),
        ("16 bytes (dynamic,bounded)", "memcpy", 24 + EXTERNAL_STACK),
        ("16 bytes (dynamic)", "memcpy", None),
        ("16 bytes (static)", "x_invoke", None),
    ],
)
def test_a_stack_without_bound_is_unknown(tmp_path, invoke, inner, depth):
    graph = tmp_path / "x.ci"
    graph.write_text(GRAPH.format(invoke=invoke, inner=inner))
    assert deepest_stack([graph], "x_invoke") == depth


def test_the_stack_of_assembly_counts(tmp_path):
    """The compiler has no information about it, however it mangles the function's name."""
    source = tmp_path / "x.c"
    source.write_text(
        "static __attribute__((noinline)) void f(void)\n"
        '{ __asm__ volatile(".set tc_stack_of_f, 84"); }\n'
        "void x_invoke(void) { f(); }\n"
    )
    (built,) = compile_objects(load_board("host").compiler, [source], tmp_path / "build")
    assert assembly_stack([built]) == {"f": 84}
    graph = [built.with_suffix(".ci")]
    assert inference_stack([built], "x_invoke") == deepest_stack(graph, "x_invoke") + 84


def test_a_graph_without_the_root_is_refused(tmp_path):
    (tmp_path / "x.ci").write_text("graph: {}\n")
    with pytest.raises(ToolError, match="do not hold x_invoke"):
        deepest_stack([tmp_path / "x.ci"], "x_invoke")


def test_objects_without_call_graphs_have_no_stack(tmp_path):
    assert inference_stack([tmp_path / "x.o"], "x_invoke") is None


def test_a_damaged_object_is_refused(tmp_path):
    (tmp_path / "x.o").write_bytes(b"\x7fELF and no more")
    with pytest.raises(ToolError, match=r"x\.o can't be read as an ELF file"):
        section_sizes(tmp_path / "x.o")
