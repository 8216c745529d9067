"""examples/ compile without warnings and print the expected output, with libraries of real builds.

The real FreeRTOS is used if TINYCOMP_FREERTOS is a checkout of FreeRTOS-Kernel.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from golden_files import GOLDEN

from tinycomp import pipeline
from tinycomp.common.progress import Silent
from tinycomp.frontend.tflite import read_tflite
from tinycomp.options.build import Preparation
from tinycomp.reference.simulate import run as simulated
from tinycomp.target.toolchain import STRICT, run_tool

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
HERE = Path(__file__).parent
KERNEL = os.environ.get("TINYCOMP_FREERTOS")
POSIX = ("-D_POSIX_C_SOURCE=200809L", "-D_DEFAULT_SOURCE")
SANITIZE = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RACES = ("-O1", "-g", "-fsanitize=thread")

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """The libraries `kws` and `vww`, of two models."""
    folder = tmp_path_factory.mktemp("examples")
    for name in ("kws", "vww"):
        model = folder / f"{name}.tflite"
        shutil.copyfile(GOLDEN / "small.tflite", model)
        options = pipeline.BuildOptions(
            Preparation(model), "host", folder / name, verify=False, bench=False
        )
        pipeline.build(options, Silent())
    return tuple(folder / name / "library" for name in ("kws", "vww"))


def classes(*steps: int) -> list[int]:
    """The classes of inputs whose i-th value is i times a step."""
    graph = read_tflite(GOLDEN / "small.tflite")
    shape = graph.tensors[graph.inputs[0]].shape
    count = int(np.prod(shape))
    rows = [(np.arange(count) * step).astype(np.int8).reshape(shape) for step in steps]
    outputs = simulated(graph, np.stack(rows)).reshape(len(steps), -1)
    return [int(np.argmax(output)) for output in outputs]


def compiled(folder: Path, libraries: tuple[Path, ...], source: Path, *options: str | Path) -> Path:
    """The program in its language, linked with libraries compiled as C."""
    cpp = source.suffix == ".cpp"
    include = [f"-I{library}" for library in libraries]
    objects = []
    for path in (path for library in libraries for path in library.glob("*.c")):
        objects.append(folder / f"{path.stem}.o")
        run_tool(["gcc", "-std=c99", *include, *options, "-c", path, "-o", objects[-1]], ["gcc"])
    compiler = ["g++", "-std=c++11"] if cpp else ["gcc", "-std=c99"]
    warnings = [flag for flag in STRICT if not (cpp and "prototypes" in flag)]
    built = folder / "example.o"
    run_tool([*compiler, *warnings, *include, *options, "-c", source, "-o", built], ["gcc"])
    program = folder / source.stem
    run_tool([compiler[0], built, *objects, *options, "-pthread", "-o", program], ["gcc"])
    return program


def printed(program: Path) -> list[str]:
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_two_models(libraries: tuple[Path, ...], tmp_path: Path) -> None:
    program = compiled(tmp_path, libraries, EXAMPLES / "two_models.c", *SANITIZE)
    apart, shared = printed(program)
    word, person = classes(7, 5)
    assert apart == f"apart: {word} {person}"
    found = re.fullmatch(r"one memory: (\d) (\d), (\d+) bytes instead of (\d+)", shared)
    assert found is not None
    assert [int(found[1]), int(found[2])] == [word, person]
    assert int(found[3]) < int(found[4])


def test_a_caller_in_cpp(libraries: tuple[Path, ...], tmp_path: Path) -> None:
    program = compiled(tmp_path, libraries[:1], EXAMPLES / "from_cpp.cpp", *SANITIZE)
    (line,) = printed(program)
    assert re.fullmatch(rf"class {classes(7)[0]}, 0\.\d{{3}}", line)


@pytest.mark.parametrize("flags", [SANITIZE, RACES], ids=["memory", "races"])
def test_threads(libraries: tuple[Path, ...], tmp_path: Path, flags: tuple[str, ...]) -> None:
    program = compiled(tmp_path, libraries[:1], EXAMPLES / "threads.c", *flags, *POSIX)
    assert printed(program) == ["200 inferences in 4 threads, 0 wrong"]


def expected_of_tasks() -> list[str]:
    return [f"input {n}: class {found}" for n, found in enumerate(classes(7, 8, 9))]


def test_tasks_on_stubs(libraries: tuple[Path, ...], tmp_path: Path) -> None:
    stubs = HERE / "freertos"
    kernel = tmp_path / "kernel.o"
    run_tool(
        ["gcc", *STRICT, *POSIX, f"-I{stubs}", "-c", stubs / "kernel.c", "-o", kernel], ["gcc"]
    )
    example = EXAMPLES / "freertos.c"
    program = compiled_with(tmp_path, libraries[:1], example, [kernel], f"-I{stubs}", *POSIX)
    assert printed(program) == expected_of_tasks()


def compiled_with(
    folder: Path, libraries: tuple[Path, ...], source: Path, objects: list[Path], *options: str
) -> Path:
    """The same with additional objects."""
    archive = folder / "libkernel.a"
    run_tool(["ar", "rcs", archive, *objects], ["binutils"])
    return compiled(
        folder, libraries, source, *options, f"-L{folder}", "-Wl,--as-needed", "-lkernel"
    )


@pytest.mark.skipif(KERNEL is None, reason="TINYCOMP_FREERTOS does not name FreeRTOS-Kernel")
def test_tasks_on_freertos(libraries: tuple[Path, ...], tmp_path: Path) -> None:
    """The unmodified POSIX port of the kernel."""
    assert KERNEL is not None
    kernel = Path(KERNEL)
    port = kernel / "portable/ThirdParty/GCC/Posix"
    for name in ("FreeRTOSConfig.h",):
        shutil.copyfile(HERE / "freertos" / name, tmp_path / name)
    include = [f"-I{each}" for each in (kernel / "include", port, port / "utils", tmp_path)]
    sources = [*(kernel / f"{name}.c" for name in ("tasks", "queue", "list")),
               port / "port.c", port / "utils" / "wait_for_event.c"]  # fmt: skip
    config = ["-DCONFIG_STACK=16384", "-D_GNU_SOURCE"]
    objects = []
    for path in sources:
        objects.append(tmp_path / f"kernel_{path.stem}.o")
        run_tool(["gcc", "-w", *config, *include, "-c", path, "-o", objects[-1]], ["gcc"])
    example = EXAMPLES / "freertos.c"
    program = compiled_with(tmp_path, libraries[:1], example, objects, *include, *config)
    assert printed(program) == expected_of_tasks()
