"""ONNX-ML in files of scikit-learn: scalers and linear models become ONNX's own operators, and the
labels that a classifier returns beside its scores are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinycomp.frontend._onnx_writer import Writer

_DOMAIN = "ai.onnx.ml"
_PASSING = ("ArrayFeatureExtractor", "Cast", "Identity", "Reshape", "Squeeze")
"""Operators between the number of a class and its label."""
_CLASSIFIERS = ("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier")
_CURVES = {"NONE": "Identity", "SOFTMAX": "Softmax", "LOGISTIC": "Sigmoid"}
"""By post_transform, the operator that follows the scores."""

_Rule = Callable[[Writer], list[Any]]


@dataclass(frozen=True)
class Labels:
    """What a classifier's outputs say of its classes."""

    outputs: tuple[str, ...]
    """Outputs of the model without labels."""
    left_out: tuple[str, ...]
    """Outputs that are labels."""
    class_names: tuple[str, ...]
    """Names of the classes; empty if they are numbered from 0, or not known."""


def split_labels(onnx: Any, graph: Any) -> Labels:
    """Find the outputs of a graph that are labels of its classes.

    They are found again from the scores, by the place of the largest; so they are only left out
    beside other outputs.
    """
    producers = {name: node for node in graph.node for name in node.output if name}
    outputs = [each.name for each in graph.output]
    labels = [name for name in outputs if _is_label(name, producers)]
    if len(labels) == len(outputs):
        labels = []
    kept = tuple(name for name in outputs if name not in labels)
    return Labels(kept, tuple(labels), _class_names(onnx, graph))


def _is_label(name: str, producers: Mapping[str, Any]) -> bool:
    looked_up = False
    while (node := producers.get(name)) is not None and node.op_type in _PASSING:
        own = node.op_type == "ArrayFeatureExtractor"
        looked_up = looked_up or own
        name = node.input[1 if own else 0]
    if node is None:
        return False
    if node.domain == _DOMAIN and node.op_type in _CLASSIFIERS:
        return bool(node.output[0] == name)
    return looked_up and node.op_type == "ArgMax"


def _class_names(onnx: Any, graph: Any) -> tuple[str, ...]:
    """Those of the classifier, or of the map from classes to scores."""
    for node in graph.node:
        if node.domain != _DOMAIN or node.op_type not in (*_CLASSIFIERS, "ZipMap"):
            continue
        for each in node.attribute:
            if each.name.startswith("classlabels_") and len(each.strings) + len(each.ints):
                names = [text.decode("utf-8", "replace") for text in each.strings]
                return tuple(names) or _numbered(each.ints)
    for each in graph.initializer:
        if each.name == "classes":
            values = onnx.numpy_helper.to_array(each).ravel()
            if values.dtype.kind == "i":
                return _numbered(values)
            return tuple(v.decode() if isinstance(v, bytes) else str(v) for v in values)
    return ()


def _numbered(values: Sequence[Any]) -> tuple[str, ...]:
    """Numbers as names, unless they count from 0."""
    numbers = [int(each) for each in values]
    return () if numbers == list(range(len(numbers))) else tuple(map(str, numbers))


def _scaler(w: Writer) -> list[Any]:
    """(x - offset) * scale."""
    nodes, name = [], w.given(0)
    steps = [("offset", "Sub", w.named("centred")), ("scale", "Mul", w.output)]
    for attribute, kind, output in steps:
        values = np.asarray(w.attribute(attribute, [0.0 if kind == "Sub" else 1.0]), np.float32)
        nodes += [w.constant(w.named(attribute), values)]
        nodes += [w.node(kind, [name, w.named(attribute)], output)]
        name = output
    return nodes


def _linear(w: Writer, output: str, rows: int) -> list[Any]:
    """The scores of a linear model: rows of coefficients, one for each."""
    coefficients = np.asarray(w.attribute("coefficients", []), np.float32).reshape(rows, -1)
    given = w.attribute("intercepts", [])
    intercepts = np.asarray(given if len(given) else np.zeros(rows), np.float32)
    parts = [w.named("coefficients"), w.named("intercepts")]
    return [
        w.constant(parts[0], coefficients),
        w.constant(parts[1], intercepts),
        w.node("Gemm", [w.given(0), *parts], output, transB=1),
    ]


def _regressor(w: Writer) -> list[Any]:
    if w.text("post_transform", "NONE") != "NONE":
        return [w.proto]
    return _linear(w, w.output, int(w.attribute("targets", 1)))


def _classifier(w: Writer) -> list[Any]:
    """Scores only; who wants the label is refused."""
    rows = len(w.attribute("intercepts", []))
    classes = max(len(w.attribute(f"classlabels_{kind}", [])) for kind in ("ints", "strings"))
    curve = _CURVES.get(w.text("post_transform", "NONE"))
    output = str(w.proto.output[1]) if len(w.proto.output) > 1 else ""
    if curve is None or not output or not rows or rows != classes:
        return [w.proto]
    scores = w.named("scores")
    return [*_linear(w, scores, rows), w.node(curve, [scores], output)]


def _binarizer(w: Writer) -> list[Any]:
    """1 above the threshold, else 0."""
    limit, above = w.named("threshold"), w.named("above")
    value = np.asarray([w.attribute("threshold", 0.0)], np.float32)
    return [
        w.constant(limit, value),
        w.node("Greater", [w.given(0), limit], above),
        w.node("Cast", [above], w.output, to=1),
    ]


def _normalizer(w: Writer) -> list[Any]:
    if w.text("norm", "MAX") != "L2":
        return [w.proto]
    return [w.node("LpNormalization", [w.given(0)], w.output, axis=-1, p=2)]


def _extractor(w: Writer) -> list[Any]:
    """Places along the last axis."""
    flat, places = w.named("flat"), w.named("places")
    return [
        w.constant(flat, np.array([-1], np.int64)),
        w.node("Reshape", [w.given(1), flat], places),
        w.node("Gather", [w.given(0), places], w.output, axis=-1),
    ]


_RULES: Mapping[str, _Rule] = {
    "ArrayFeatureExtractor": _extractor,
    "Binarizer": _binarizer,
    "FeatureVectorizer": lambda w: [w.node("Concat", list(w.proto.input), w.output, axis=1)],
    "LinearClassifier": _classifier,
    "LinearRegressor": _regressor,
    "Normalizer": _normalizer,
    "Scaler": _scaler,
    "ZipMap": lambda w: [w.node("Identity", [w.given(0)], w.output)],
}
"""By operator."""


def in_own_operators(onnx: Any, nodes: Iterable[Any]) -> Iterator[Any]:
    """The nodes of a graph, those of ONNX-ML by ONNX's own where that is possible."""
    shares: set[str] = set()
    for proto in nodes:
        rule = _RULES.get(proto.op_type) if proto.domain == _DOMAIN else None
        if rule is None:
            found = [proto]
        elif proto.op_type == "Normalizer" and proto.input[0] in shares:
            found = _RULES["ZipMap"](Writer(onnx, proto))  # they add up to 1
        else:
            found = rule(Writer(onnx, proto))
        shares.update(each.output[0] for each in found if each.op_type == "Softmax")
        yield from found


CLASSIC_OPERATORS = tuple(_RULES)
"""Operators of ONNX-ML that are read."""
