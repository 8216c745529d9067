"""report.json has all keys that scripts rely on, and is consistent."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import needs_gcc, needs_m4

from tinycomp import __version__
from tinycomp.frontend.tflite import read_tflite
from tinycomp.report.record import read_report, to_json

NUMBER = (int, float)
OPTIONAL = (int, float, type(None))
SCHEMA: dict[str, Any] = {
    "model": {"name": str, "sha256": str, "macs": int, "parameters": int},
    "board": str,
    "prefix": str,
    "accuracy": {
        "metric": str,
        "samples": int,
        "float": OPTIONAL,
        "dense_int8": NUMBER,
        "int8": NUMBER,
        "task": str,
        "others": [{"metric": str, "float": OPTIONAL, "dense_int8": NUMBER, "int8": NUMBER}],
        "classes": [str],
        "confusion": [[int]],
    },
    "flash": {"code": int, "constants": int},
    "ram": {"arena": int, "scratch": int, "stack": int},
    "latency": {
        "value": int,
        "unit": str,
        "layers": [{"name": str, "op": str, "value": int, "macs": int}],
    },
    "verify": [
        {
            "executions": [str],
            "samples": int,
            "tensors": int,
            "equal": bool,
            "difference": (str, type(None)),
        }
    ],
    "layers": [
        {
            "name": str,
            "op": str,
            "macs": int,
            "codec": (str, type(None)),
            "weight_bytes": int,
            "distinct_values": (int, type(None)),
        }
    ],
    "compression": {"codebook_bits": int},
    "notes": [str],
    "generator": str,
}

pytestmark = [needs_gcc, needs_m4]


@pytest.fixture
def report(emulated_once: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((emulated_once / "report.json").read_text())
    return content


def assert_matches(found: Any, schema: Any, where: str) -> None:
    """At least these keys with these types; lists have at least one entry."""
    if isinstance(schema, dict):
        for key, inner in schema.items():
            assert key in found, f"{where}.{key}"
            assert_matches(found[key], inner, f"{where}.{key}")
    elif isinstance(schema, list):
        assert found, where
        for entry in found:
            assert_matches(entry, schema[0], f"{where}[]")
    else:
        assert isinstance(found, schema), where


def test_all_keys_are_there(report: dict[str, Any]) -> None:
    assert_matches(report, SCHEMA, "report")


def test_numbers_agree(report: dict[str, Any], emulated_once: Path) -> None:
    graph = read_tflite(emulated_once / "model.tflite")
    names = [node.name for node in graph.nodes]
    cost = graph.cost()
    assert report["model"]["macs"] == cost.macs == sum(x["macs"] for x in report["layers"])
    assert report["model"]["parameters"] == cost.parameters
    assert [layer["name"] for layer in report["layers"]] == names
    latency = report["latency"]
    assert latency["unit"] == "instructions"
    assert [layer["name"] for layer in latency["layers"]] == names
    # Layers are measured in an inference that is watched, which costs a little more.
    total = sum(layer["value"] for layer in latency["layers"])
    assert total == pytest.approx(latency["value"], rel=0.2)
    weights = sum(layer["weight_bytes"] for layer in report["layers"])
    assert weights < report["flash"]["constants"]


def test_verification_is_recorded(report: dict[str, Any]) -> None:
    (record,) = report["verify"]
    executions = ["litert", "simulator", "host", "device"]
    assert record == {
        "executions": executions, "samples": 8, "tensors": 7, "equal": True, "difference": None,
    }  # fmt: skip


def test_the_model_and_the_generator_are_identified(
    report: dict[str, Any], emulated_once: Path
) -> None:
    model = (emulated_once / "model.tflite").read_bytes()
    assert report["model"]["sha256"] == hashlib.sha256(model).hexdigest()
    header = (emulated_once / "library" / "model.h").read_text()
    assert f'MODEL_MODEL_HASH "{report["model"]["sha256"]}"' in header
    assert report["generator"] == __version__
    size = report["ram"]["arena"] + report["ram"]["scratch"]
    assert f"#define MODEL_ARENA_SIZE {size} " in header


def test_codebooks_are_counted(report: dict[str, Any]) -> None:
    assert report["compression"] == {"codebook_bits": 3}
    distinct = [layer["distinct_values"] for layer in report["layers"] if layer["codec"]]
    assert len(distinct) == 3


def test_reading_and_writing_a_report_changes_nothing(emulated_once: Path) -> None:
    text = (emulated_once / "report.json").read_text()
    assert to_json(read_report(emulated_once)) == text
