"""Importing tinycomp: what it offers, and what it leaves unloaded."""

from __future__ import annotations

import inspect
import pkgutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import tinycomp
import tinycomp.api
from tinycomp.options.build import BuildOptions, PlanOptions, Preparation
from tinycomp.options.compress import CompressOptions
from tinycomp.options.data import DataOptions
from tinycomp.options.search import Plan, SearchOptions
from tinycomp.options.search import Task as SearchTask

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "keras", "tensorflow", "jinja2", "h5py", "serial", "ai_edge_litert")


def loaded(*command: str) -> set[str]:
    """The modules that a Python program loads."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "import tinycomp; dir(tinycomp); tinycomp.__version__"),
        ("-m", "tinycomp", "--version"),
        ("-m", "tinycomp", "build", "--help"),
        ("-m", "tinycomp", "search", "--help"),
    ],
    ids=["import", "version", "build", "search"],
)
def test_nothing_heavy_is_loaded_before_there_is_work(command: tuple[str, ...]) -> None:
    modules = loaded(*command)
    assert "tinycomp" in modules
    assert {name.partition(".")[0] for name in modules} & {*HEAVY} == set()


BUILDING = (
    "tinycomp.pipeline", "tinycomp.prepare", "tinycomp.techniques", "tinycomp.train",
    "tinycomp.recipes", "tinycomp.device", "tinycomp.cycles", "elftools", "keras", "jinja2",
)  # fmt: skip


def test_inspecting_loads_nothing_that_only_builds_need() -> None:
    modules = loaded("-c", "import tinycomp; tinycomp.inspect")
    assert "tinycomp.inspecting" in modules
    unwanted = tuple(f"{name}." for name in BUILDING)
    wrong = {name for name in modules if f"{name}.".startswith(unwanted)}
    assert wrong == set()


def test_the_package_offers_what_it_lists() -> None:
    assert tinycomp.__all__ == sorted(tinycomp.__all__)
    assert {*tinycomp.__all__} == {*tinycomp.api.__all__, "TinycompError"}
    assert {*tinycomp.__all__} <= {*dir(tinycomp)}
    for name in tinycomp.__all__:
        assert callable(getattr(tinycomp, name)), name
    with pytest.raises(AttributeError, match="no attribute 'biuld'"):
        _ = tinycomp.biuld  # type: ignore[attr-defined]


def test_no_module_has_the_name_of_a_function() -> None:
    """Importing it would hide the function."""
    modules = {module.name for module in pkgutil.iter_modules(tinycomp.__path__)}
    assert modules & {*tinycomp.__all__} == set()
    assert {"api", "techniques", "quantization", "recipe_search"} <= modules


def test_functions_stay_functions_whatever_is_imported() -> None:
    program = (
        "import tinycomp.techniques, tinycomp.quantization.export, tinycomp.recipe_search.search\n"
        "import tinycomp.cli.build, tinycomp.cli.search, tinycomp.api, inspect\n"
        "for name in tinycomp.__all__:\n"
        "    found = getattr(tinycomp, name)\n"
        "    assert inspect.isfunction(found) or inspect.isclass(found), name\n"
        "    assert found is getattr(tinycomp.api, name, tinycomp.TinycompError), name\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=120)


OPTIONS = {
    "build": (BuildOptions, Preparation, PlanOptions, DataOptions),
    "quantize": (Preparation,),
    "compress": (CompressOptions,),
    "search": (SearchOptions, Plan, SearchTask),
    "verify": (BuildOptions,),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_defaults_are_those_of_the_options(name: str) -> None:
    parameters = inspect.signature(getattr(tinycomp.api, name)).parameters
    compared = 0
    for options in OPTIONS[name]:
        for field in fields(options):
            known = parameters.get(field.name)
            if known is None or known.default is inspect.Parameter.empty:
                continue
            compared += 1
            assert known.default == getattr(options, field.name, known.default)
    assert compared >= 1


@pytest.mark.parametrize("name", sorted({*tinycomp.api.__all__} - {"Build"}))
def test_every_parameter_is_described(name: str) -> None:
    function = getattr(tinycomp.api, name)
    text = inspect.getdoc(function)
    assert text is not None
    for parameter in inspect.signature(function).parameters:
        assert f"\n    {parameter}: " in text, parameter
