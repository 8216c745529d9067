"""Recipes: options for each layer, and the text of every error."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.techniques.cluster import Cluster
from tinycomp.techniques.prune import Prune
from tinycomp.techniques.recipe import Recipe, read_recipe

TEXT = """
sparsity = 0.25
codebook_bits = 4
shared_codebooks = [["conv", "dense"]]

[layers."d*"]
codebook_bits = 3
granularity = "layer"

[layers.dense]
codebook_bits = 4
sparsity = 0
"""


def _read(folder: Path, text: str) -> Recipe:
    path = folder / "recipe.toml"
    path.write_text(text)
    return read_recipe(path)


def test_a_recipe_becomes_options(tmp_path: Path, graph: Graph) -> None:
    recipe = _read(tmp_path, TEXT)
    assert recipe.prunes
    assert recipe.clusters
    prune, cluster = Prune(**recipe.prune_options(graph)), Cluster(**recipe.cluster_options(graph))
    assert prune == Prune(0.25, by_layer={"dense": 0.0})
    assert cluster == Cluster(
        4,
        shared=[["conv", "dense"]],
        bits_by_layer={"depthwise": 3, "dense": 4},
        granularity_by_layer={"depthwise": "layer", "dense": "layer"},
    )
    cluster.apply(prune.apply(graph))


def test_an_empty_recipe_changes_nothing(tmp_path: Path, graph: Graph) -> None:
    recipe = _read(tmp_path, "")
    assert not recipe.prunes
    assert not recipe.clusters
    assert Cluster(**recipe.cluster_options(graph)).apply(graph).constants == graph.constants


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "codebook_bit = 4",
            r"key 'codebook_bit' is not known\. .* Did you mean 'codebook_bits'\?",
        ),
        ("[layers.x]\nbits = 4", r"key 'layers\.x\.bits' is not known\. Known here: sparsity, co"),
        ("codebook_bits = 9", "key 'codebook_bits': .* less than or equal to 8, but it is 9"),
        ("codebook_bits = 4.0", "key 'codebook_bits': .* valid integer, but it is 4.0"),
        ("sparsity = 1.0", "key 'sparsity': .* less than 1, but it is 1.0"),
        (
            'granularity = "row"',
            "key 'granularity': .*'auto', 'layer' or 'channel', but it is 'row'",
        ),
        ("sparsity = ", "is not valid TOML"),
    ],
)
def test_errors_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TinycompError, match=message):
        _read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TinycompError, match=r"Recipe '.*none.toml' can't be read: No such file"):
        read_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "text", ['[layers."conv2d*"]\nsparsity = 0.1', 'shared_codebooks = [["conv2d*"]]']
)
def test_a_pattern_that_matches_nothing_is_named(tmp_path: Path, graph: Graph, text: str) -> None:
    recipe = _read(tmp_path, text)
    with pytest.raises(
        TinycompError,
        match=r"'conv2d\*' .* Expected some of the layers with weights: conv, depthwise",
    ):
        recipe.cluster_options(graph)


def test_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xef\xbb\xbfcodebook_bits = 4\r\nsparsity = 0.5\r\n")
    assert read_recipe(path) == Recipe(codebook_bits=4, sparsity=0.5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("codebook_bits = " + "9" * 5000, "is not valid TOML: Exceeds the limit"),
        ("codebook_bits = 0x" + "f" * 5000, "but it is a value that is too long to show"),
        ("codebook_bits = " + "9" * 4000, "but it is 9999"),
        ("codebook_bits = " + "[" * 5000 + "]" * 5000, "nested too deep"),
        ("codebook_bits = " + "[" * 300 + "]" * 300, "but it is [[[["),
        ("a" + ".a" * 5000 + " = 1", "key 'a"),
        ("x = 1\n[x.y]\n", "is not valid TOML"),
    ],
    ids=["digits", "hexadecimal", "long", "deep", "nested", "dotted", "table"],
)
def test_odd_toml(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(TinycompError) as caught:
        _read(tmp_path, text)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 20_000


@pytest.mark.parametrize("content", [b"\xff\xfe", "codebook_bits = 4".encode("utf-16"), b"\0"])
def test_bytes_that_are_not_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "recipe.toml").write_bytes(content)
    with pytest.raises(TinycompError, match="is not valid TOML"):
        read_recipe(tmp_path / "recipe.toml")
