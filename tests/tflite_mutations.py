"""Mutates a .tflite: its bytes, or its tables through the schema's objects."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

Rng = np.random.Generator
_INTEGERS = (0, -1, 1, 2, 3, 4, 7, 16, 127, -128, 128, 255, 1000, 65536, 2**31 - 1, -(2**31))
_FLOATS = (0.0, -0.5, 1.0, 1e-3, 1e3, 1e-30, 1e30, 1e-42, float("nan"), float("inf"), 3.4e38)
_TRIES = 20


def mutated(data: bytes, rng: Rng) -> tuple[bytes, str]:
    """A mutant, and a description of the mutation."""
    if rng.random() < 0.4:
        return _bytes(data, rng)
    for _ in range(_TRIES):
        model = schema.ModelT.InitFromPackedBuf(data)
        how = [_table(model, rng) for _ in range(rng.integers(1, 3))]
        try:
            builder = flatbuffers.Builder(1024)
            builder.Finish(model.Pack(builder), b"TFL3")
            return bytes(builder.Output()), "; ".join(how)
        except (struct.error, TypeError, ValueError, AttributeError, OverflowError):
            continue  # the schema has no place for this value
    return _bytes(data, rng)


def _bytes(data: bytes, rng: Rng) -> tuple[bytes, str]:
    changed = bytearray(data)
    kind = int(rng.integers(5))
    if kind == 0:
        for place in rng.integers(8, len(data), rng.integers(1, 9)):
            changed[place] = int(rng.integers(256))
    elif kind == 1:
        place = 4 * int(rng.integers(2, len(data) // 4))
        struct.pack_into("<i", changed, place, int(rng.choice(_INTEGERS)))
    elif kind == 2:
        return bytes(changed[: rng.integers(8, len(data))]), "cut off"
    elif kind == 3:
        first, second = (4 * int(n) for n in rng.integers(2, len(data) // 4, 2))
        changed[first : first + 4], changed[second : second + 4] = (
            changed[second : second + 4], changed[first : first + 4],
        )  # fmt: skip
    else:
        first = int(rng.integers(8, len(data)))
        last = min(len(data), first + int(rng.integers(1, 64)))
        changed[first:last] = bytes(last - first)
    return bytes(changed), f"bytes, kind {kind}"


def _table(model: Any, rng: Rng) -> str:
    """Change one random field; returns a description."""
    fields = list(_fields(model, "model"))
    weighted = [each for each in fields if "buffers" not in each[0] or rng.random() < 0.1]
    path, value, put = weighted[rng.integers(len(weighted))]
    put(_changed(value, rng))
    return path


Field = tuple[str, Any, Callable[[Any], None]]


def _fields(value: Any, path: str) -> Iterator[Field]:
    """All fields below an object, each with its value and a function that replaces it."""
    for name, inner in vars(value).items():
        place = f"{path}.{name}"
        yield place, inner, lambda new, name=name: setattr(value, name, new)
        if isinstance(inner, list):
            for index, each in enumerate(inner):
                if hasattr(each, "__dict__"):
                    yield from _fields(each, f"{place}[{index}]")
        elif hasattr(inner, "__dict__"):
            yield from _fields(inner, place)


def _changed(value: Any, rng: Rng) -> Any:
    """Another value of the same type, most of the time."""
    if isinstance(value, bool | np.bool_):
        return not value
    if isinstance(value, int | np.integer):
        if rng.random() < 0.5:
            return int(value) + int(rng.integers(-2, 3))
        return int(rng.choice(_INTEGERS))
    if isinstance(value, float | np.floating):
        return float(rng.choice([*_FLOATS, float(value) * 2, float(value) / 7]))
    if isinstance(value, bytes):
        return value[: len(value) // 2] if rng.random() < 0.5 else b"\xff" + value
    if isinstance(value, np.ndarray) and value.size:
        return _array(value, rng)
    if isinstance(value, list) and value:
        return _list(value, rng)
    return None


def _array(values: Any, rng: Rng) -> Any:
    kind = int(rng.integers(5))
    if kind == 0:
        return values[:-1]
    if kind == 1:
        return np.concatenate([values, values[-1:]])
    if kind == 2:
        return None
    changed = np.array(values)
    pool = _FLOATS if changed.dtype.kind == "f" else _INTEGERS
    wanted = rng.choice(pool)
    if changed.dtype.kind != "f":
        info = np.iinfo(changed.dtype)
        wanted = min(max(int(wanted), info.min), info.max)
        if kind == 4:
            wanted = int(changed[0]) + int(rng.integers(-2, 3))
            wanted = min(max(wanted, info.min), info.max)
    changed[rng.integers(len(changed))] = wanted
    return changed


def _list(values: list[Any], rng: Rng) -> list[Any]:
    changed = list(values)
    kind, place = int(rng.integers(3)), int(rng.integers(len(values)))
    if kind == 0:
        del changed[place]
    elif kind == 1:
        changed.insert(place, changed[int(rng.integers(len(values)))])
    else:
        other = int(rng.integers(len(values)))
        changed[place], changed[other] = changed[other], changed[place]
    return changed
