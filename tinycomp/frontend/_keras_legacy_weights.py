"""The weights of .keras files of Keras 2 in the places where Keras 3 looks.

In files of Keras 2.12 and 2.13 they are below "_layer_checkpoint_dependencies" instead of "layers",
numbered with gaps, as each layer with weights is listed there twice. Files from Windows, up to
Keras 2.15, have backslashes in names.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import h5py

_OLD, _NEW = "_layer_checkpoint_dependencies", "layers"
_NUMBERED = re.compile(r"(.*?)(?:_(\d+))?")

Tree = dict[str, Any]
"""Groups by name: trees, and arrays."""


def modern_weights(data: bytes) -> bytes:
    """The bytes of an HDF5 file of weights in the present layout; the same if they have it."""
    with h5py.File(io.BytesIO(data), "r") as file:
        names: list[str] = []
        file.visit(names.append)
        if not any(_OLD in name or "\\" in name for name in names):
            return data
        tree: Tree = {}
        file.visititems(lambda name, item: _add(tree, name, item))
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        _write(file, _renamed(tree))
    return target.getvalue()


def _add(tree: Tree, name: str, item: Any) -> None:
    """Put an array in its place; groups come into being around arrays."""
    if isinstance(item, h5py.Dataset):
        *groups, last = name.replace("\\", "/").split("/")
        for group in groups:
            tree = tree.setdefault(group, {})
        tree[last] = item[()]


def _renamed(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    found: Tree = {}
    for name, part in tree.items():
        if name == _OLD:
            found[_NEW] = {new: _renamed(part[old]) for old, new in _numbers(part).items()}
        else:
            found[name] = _renamed(part)
    return found


def _numbers(layers: Mapping[str, Any]) -> dict[str, str]:
    """The names of layers without gaps: dense, dense_2 as dense, dense_1."""
    split = {name: _NUMBERED.fullmatch(name) for name in layers}
    found: dict[str, str] = {}
    counts: dict[str, int] = {}
    keys = {name: (match[1], int(match[2] or 0)) for name, match in split.items() if match}
    for name in sorted(layers, key=keys.__getitem__):
        kind = keys[name][0]
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        found[name] = f"{kind}_{number}" if number else kind
    return found


def _write(group: Any, tree: Tree) -> None:
    for name, part in tree.items():
        if isinstance(part, dict):
            _write(group.create_group(name), part)
        else:
            group.create_dataset(name, data=part)
