"""Compiling, linking, caching; and errors that state what is missing or wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tinycomp.common.errors import ToolError
from tinycomp.target.boards import Compiler, load_board
from tinycomp.target.toolchain import (
    SANITIZE,
    STRICT,
    Options,
    archive,
    compile_objects,
    gcc_version,
    is_available,
    link,
)

HOST = load_board("host").compiler
MISSING = Compiler(prefix="pdp11-none-", packages=("gcc-pdp11", "pdp11-libc"))

pytestmark = pytest.mark.skipif(not is_available(HOST), reason="gcc is not installed")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "value.h").write_text("#define VALUE 3\n")
    path = tmp_path / "main.c"
    path.write_text('#include "value.h"\nint main(void) { return VALUE; }\n')
    return path


def exit_code(program: Path) -> int:
    return subprocess.run([program], capture_output=True, check=False).returncode


def test_a_program_is_compiled_linked_and_runs(source, tmp_path):
    objects = compile_objects(HOST, [source], tmp_path / "build")
    assert exit_code(link(HOST, objects, tmp_path / "main")) == 3


def test_objects_come_in_the_order_of_sources(source, tmp_path):
    other = tmp_path / "a.c"
    other.write_text("int a;\n")
    objects = compile_objects(HOST, [source, other], tmp_path)
    assert [path.name.split("-")[0] for path in objects] == ["main", "a"]


def test_nothing_is_compiled_twice(source, tmp_path):
    (first,) = compile_objects(HOST, [source], tmp_path / "build")
    made = first.stat().st_mtime_ns
    assert compile_objects(HOST, [source], tmp_path / "build") == (first,)
    assert first.stat().st_mtime_ns == made


def test_a_changed_header_or_flag_makes_another_object(source, tmp_path):
    (first,) = compile_objects(HOST, [source], tmp_path / "build")
    (flagged,) = compile_objects(HOST, [source], tmp_path / "build", Options(flags=("-O0",)))
    (source.parent / "value.h").write_text("#define VALUE 4\n")
    (changed,) = compile_objects(HOST, [source], tmp_path / "build")
    assert len({first, flagged, changed}) == 3
    assert exit_code(link(HOST, [changed], tmp_path / "main")) == 4


def test_a_failed_object_leaves_no_files(source, tmp_path):
    source.write_text("int main(void) { return missing; }\n")
    with pytest.raises(ToolError):
        compile_objects(HOST, [source], tmp_path / "build")
    assert not list((tmp_path / "build").glob("*.o"))


def test_errors_show_the_compilers_first_lines(source):
    source.write_text("int main(void) { return missing; }\n")
    with pytest.raises(ToolError) as caught:
        compile_objects(HOST, [source], source.parent)
    first, second, *_ = str(caught.value).splitlines()
    assert first == "gcc failed (exit code 1):"
    assert "main.c:1:25: error: 'missing' undeclared" in second


def test_strict_treats_warnings_as_errors(source):
    source.write_text("int main(void) { long x = 5; int y = x; return y; }\n")
    compile_objects(HOST, [source], source.parent)
    with pytest.raises(ToolError, match="Werror=conversion"):
        compile_objects(HOST, [source], source.parent, Options(flags=STRICT))


def test_c_is_c99_and_cpp_is_cpp11(source):
    source.write_text("int main(void) { return __STDC_VERSION__ == 199901L ? 0 : 1; }\n")
    plus = source.with_suffix(".cpp")
    plus.write_text('static_assert(__cplusplus == 201103L, "");\n')
    main, _ = compile_objects(HOST, [source, plus], source.parent)
    assert exit_code(link(HOST, [main], source.with_suffix(""))) == 0


def test_an_undefined_symbol_is_named(source):
    source.write_text("int absent(void);\nint main(void) { return absent(); }\n")
    objects = compile_objects(HOST, [source], source.parent)
    with pytest.raises(ToolError, match="undefined reference to `absent'"):
        link(HOST, objects, source.with_suffix(""))


def test_a_missing_compiler_is_named_with_its_packages(source):
    assert not is_available(MISSING)
    with pytest.raises(ToolError) as caught:
        compile_objects(MISSING, [source], source.parent)
    assert str(caught.value) == (
        "pdp11-none-gcc is not installed. On Debian or Ubuntu: apt install gcc-pdp11 pdp11-libc."
    )


def test_the_sanitizers_stop_a_program_at_an_error(source):
    source.write_text("int main(int count) { int a[2] = {0, 0}; return a[count + 1]; }\n")
    objects = compile_objects(HOST, [source], source.parent, Options(flags=SANITIZE))
    assert exit_code(link(HOST, objects, source.with_suffix(""), SANITIZE)) == 1


def test_an_archive_links_only_called_functions(source, tmp_path):
    unused = tmp_path / "unused.c"
    unused.write_text("int absent(void);\nint unused(void) { return absent(); }\n")
    main, other = compile_objects(HOST, [source, unused], tmp_path)
    library = archive(HOST, [other], tmp_path / "library.a")
    assert exit_code(link(HOST, [main, library], tmp_path / "main")) == 3


def test_the_version_has_the_compilers_name():
    name, version = gcc_version(HOST).split()
    assert name == "gcc"
    assert version.split(".")[0].isdigit()


@pytest.mark.parametrize(("header", "helped"), [("stdint.h", True), ("mine.h", False)])
def test_a_compiler_without_a_c_library_is_explained(tmp_path, header, helped):
    source = tmp_path / "x.c"
    source.write_text(f"#include <{header}>\n")
    bare = HOST.model_copy(update={"flags": ("-nostdinc", f"-I{tmp_path}")})
    with pytest.raises(ToolError) as caught:
        compile_objects(bare, [source], tmp_path)
    assert f"{header}: No such file" in str(caught.value)
    assert ("finds no C library: install one for it" in str(caught.value)) == helped
