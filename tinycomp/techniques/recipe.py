"""Recipes of post-training compression: TOML files with options per layer. Unknown keys are errors.

sparsity = 0.3
codebook_bits = 4
shared_codebooks = [["conv2d_1", "conv2d_2"]]

[layers."depthwise_*"]        # node names; a later table wins over an earlier one
codebook_bits = 6
granularity = "layer"
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinycomp.common.errors import TinycompError
from tinycomp.common.toml_file import read_toml, shown
from tinycomp.ir.graph import Graph
from tinycomp.quantization.shared_scales import MOST
from tinycomp.techniques._layers import describe_names, weighted_layers

Share = Annotated[float, Field(ge=0, lt=1)]
Bits = Annotated[int, Field(ge=1, le=8)]
Granularity = Literal["auto", "layer", "channel"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LayerRecipe(_Table):
    """Overrides for some layers; None: the option of the recipe."""

    sparsity: Share | None = None
    """Fraction of the layer's weights set to zero."""
    codebook_bits: Bits | None = None
    """At most 2^bits distinct weights per codebook; 8: no codebook."""
    granularity: Granularity | None = None
    """One codebook per layer or per channel; "auto": whichever is better."""
    activations: Literal[8, 16] | None = None
    """Bits of the activations that the layer reads and writes."""


class Recipe(_Table):
    """Options of post-training compression. Layers are given by node names or patterns (*, ?)."""

    sparsity: Share = 0.0
    """Fraction of all weights set to zero."""
    ranking: Literal["global", "layer"] = "global"
    """Whether weights are ranked across all layers or within each layer."""
    score: Literal["lamp", "magnitude"] = "lamp"
    """The importance score of weights, see Prune."""
    codebook_bits: Bits = 8
    """At most 2^bits distinct weights per codebook; 8: no codebook."""
    granularity: Granularity = "auto"
    """One codebook per layer or per channel; "auto": whichever is better."""
    shared_codebooks: list[list[str]] = Field(default_factory=list)
    """Groups of layers that share one codebook."""
    scales: Literal["auto", "channel", "shared", "layer"] = "auto"
    """Weight scales of a layer: one per channel, a few shared ones, or a single one; "auto": shared
    if weights are compressed.
    """
    layers: dict[str, LayerRecipe] = Field(default_factory=dict)
    """Overrides by layer name or pattern; later ones win."""

    @property
    def chooses_activations(self) -> bool:
        """Whether any layer has its own type of activations."""
        return any(layer.activations for layer in self.layers.values())

    def activations_by_layer(self, graph: Graph) -> dict[str, int]:
        """Bits of activations by node name.

        Raises:
            TinycompError: a pattern matches no layer.
        """
        shares = [node.name for node in graph.nodes if node.op.name == "softmax"]
        return self._by_layer(graph, "activations", shares)

    @property
    def prunes(self) -> bool:
        """Whether any layer is pruned."""
        return self.sparsity > 0 or any(layer.sparsity for layer in self.layers.values())

    @property
    def clusters(self) -> bool:
        """Whether any layer has a codebook."""
        return min([self.codebook_bits, *(t.codebook_bits or 8 for t in self.layers.values())]) < 8

    @property
    def weight_scales(self) -> int | None:
        """The most weight scales of a layer when quantizing; None for one per channel.

        "auto" shares scales if weights are compressed, because multipliers and biases then dominate
        the size.
        """
        shared = self.prunes or self.clusters
        counts = {"channel": None, "shared": MOST, "layer": 1}
        return counts[self.scales] if self.scales != "auto" else MOST if shared else None

    def prune_options(self, graph: Graph) -> dict[str, Any]:
        """The fields of Prune for this graph.

        Raises:
            TinycompError: a pattern matches no layer.
        """
        by_layer = self._by_layer(graph, "sparsity")
        return {
            "sparsity": self.sparsity,
            "ranking": self.ranking,
            "score": self.score,
            "by_layer": by_layer,
        }

    def cluster_options(self, graph: Graph) -> dict[str, Any]:
        """The fields of Cluster for this graph.

        Raises:
            TinycompError: a pattern matches no layer.
        """
        return {
            "bits": self.codebook_bits,
            "granularity": self.granularity,
            "shared": [
                [name for pattern in group for name in _match(graph, pattern)]
                for group in self.shared_codebooks
            ],
            "bits_by_layer": self._by_layer(graph, "codebook_bits"),
            "granularity_by_layer": self._by_layer(graph, "granularity"),
        }

    def _by_layer(self, graph: Graph, key: str, others: Sequence[str] = ()) -> dict[str, Any]:
        """The values of a key by node name, of weighted nodes and of those named."""
        values = {}
        for pattern, table in self.layers.items():
            for name in _match(graph, pattern, others if getattr(table, key) is not None else ()):
                if getattr(table, key) is not None:
                    values[name] = getattr(table, key)
        return values


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file.

    Raises:
        TinycompError: the file can't be read, or a key is unknown or has a wrong value.
    """
    values = read_toml(path, f"Recipe '{path}'")
    try:
        return Recipe(**values)
    except ValidationError as error:
        raise TinycompError(f"Recipe '{path}': {_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    """The first validation error, named by its key in the file."""
    problem = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        return f"key '{key}': {problem['msg']}, but it is {shown(problem['input'])}."
    known = LayerRecipe.model_fields if problem["loc"][0] == "layers" else Recipe.model_fields
    near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"key '{key}' is not known. Known here: {', '.join(known)}.{hint}"


def _match(graph: Graph, pattern: str, others: Sequence[str] = ()) -> list[str]:
    """The names of the weighted nodes, and of the others, that a pattern matches."""
    names = [*(node.name for layer in weighted_layers(graph) for node in layer.nodes), *others]
    matches = [name for name in names if fnmatchcase(name, pattern)]
    if not matches:
        raise TinycompError(
            f"The recipe's '{pattern}' matches no layer with weights in this model.",
            expected=describe_names(graph),
        )
    return matches
