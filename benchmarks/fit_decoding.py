"""Fits what decoding weights takes on a core to measurements on its emulated board.

    python -m benchmarks.fit_decoding BOARD

Builds one layer with weights of many kinds, stored by each codec, reads the layer's time, and fits
the terms of Codec.instructions to the time beyond that of weights stored as they are; writes
tinycomp/codecs/costs/<set>.json. Run it again after decoders have changed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from benchmarks.fit_costs import run
from tinycomp.codecs._codec import Encoded
from tinycomp.codecs._costs import FOLDER, PRODUCT, WEIGHTS
from tinycomp.codecs._policy import PLAIN, SMALLEST
from tinycomp.codecs._registry import codecs, far_codecs, general_codecs
from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters, Tensor
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.options.build import Preparation
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower
from tinycomp.prepare import Prepared, prepare
from tinycomp.quantization.export import write_tflite
from tinycomp.target.boards import Board, load_board

SHAPE = (48, 128)
"""Channels and weights per channel."""
SIXTEEN = np.arange(-120, 120, 15)
PATTERNS = ((2, 4), (1, 4), (2, 8))
"""N and M: of M weights N are not zero."""
SPARSITIES = (0.03, 0.1, 0.3)
ROOM = 640
"""Bytes of scratch on cores that copy weights."""
IN_PLACE = "dense"
PLAIN_WEIGHTS = Storage({IN_PLACE}, PLAIN)


def main() -> None:
    """Measure, fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("board", metavar="BOARD")
    board = load_board(parser.parse_args().board)
    measured: dict[str, list[tuple[Mapping[str, float], float]]] = {}
    found: dict[str, object] = {}
    for name, values in kinds(np.random.default_rng(0)):
        prepared = layer(values)
        plain = time(prepared, board, PLAIN_WEIGHTS)
        found.setdefault(PRODUCT, round(plain / values.size, 2))
        for codec in (*general_codecs(), *(far_codecs() if board.memory.far else ())):
            if codec == IN_PLACE or (stored := encoded(prepared, board, codec)) is None:
                continue
            more = (time(prepared, board, Storage({codec}, SMALLEST)) - plain) / values.size
            measured.setdefault(codec, []).append((stored.amounts, more))
            print(f"{name} {codec}: {more:.2f} a weight", flush=True)
    found |= {codec: fit(codec, samples) for codec, samples in sorted(measured.items())}
    path = FOLDER / f"{board.kernels}.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def kinds(rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.int8]]]:
    """Weights of many kinds, and their names."""

    def drawn(values: Array, width: float) -> NDArray[np.int8]:
        """Values with frequencies that fall off from the middle one."""
        shares = np.exp(-np.abs(np.arange(len(values)) - len(values) // 2) / width)
        return rng.choice(values, SHAPE, p=shares / shares.sum()).astype(np.int8)

    everything = rng.integers(-127, 128, SHAPE).astype(np.int8)
    yield "any", everything
    yield "normal", np.clip(rng.normal(0, 25, SHAPE), -127, 127).astype(np.int8)
    for count in (2, 8, 16, 64):
        yield f"{count} values", drawn(np.linspace(-120, 120, count).astype(int), 1000)
    for width in (2, 1):
        yield f"16 values, width {width}", drawn(SIXTEEN, width)
    for kept, group in PATTERNS:
        rank = rng.random((SHAPE[0], SHAPE[1] // group, group)).argsort(axis=2).argsort(axis=2)
        yield f"{kept}:{group}", everything * (rank < kept).reshape(SHAPE)
    for share in SPARSITIES:
        yield f"blocks {share}", everything * (rng.random(SHAPE) < share)[:, ::4].repeat(4, axis=1)
        kept = rng.random(SHAPE) < share
        yield f"sparse {share}", everything * kept
        yield f"sparse {share}, 16 values", drawn(SIXTEEN + 1, 1000) * kept


def layer(values: NDArray[np.int8]) -> Prepared:
    """A convolution of a single pixel, with one scale in all channels."""
    channels, length = values.shape
    one = QuantizationParameters((1 / 4096,) * channels, (0,) * channels, 0)
    bias = QuantizationParameters((1 / 4096,) * channels, (0,) * channels, 0)
    activations = QuantizationParameters((1.0,), (0,), None)
    weights = Constant("weights", values.reshape(channels, 1, 1, length), one)
    biases = Constant("bias", np.arange(channels, dtype=np.int32), bias)
    tensors = [
        Tensor("x", (1, 1, length), "int8", activations),
        Tensor("y", (1, 1, channels), "int8", activations),
    ]
    node = Node("y", Conv2D(Window((1, 1))), ("x", "weights", "bias"), ("y",))
    graph = Graph(
        name="fit", nodes=(node,), inputs=("x",), outputs=("y",),
        tensors={tensor.name: tensor for tensor in tensors},
        constants={each.name: each for each in (weights, biases)},
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fit.tflite"
        path.write_bytes(write_tflite(graph))
        return prepare(Preparation(path, name="fit"), Silent())


def time(prepared: Prepared, board: Board, storage: Storage) -> float:
    """The layer's time with weights stored like that."""
    program = lower(prepared.graph, _on(board, storage), board.kernels)
    return run(prepared, plan(program, range(0)), board).layers[0].value


def encoded(prepared: Prepared, board: Board, codec: str) -> Encoded | None:
    """The stored weights; None if the codec can't store them."""
    try:
        program = lower(prepared.graph, _on(board, Storage({codec}, SMALLEST)), board.kernels)
    except TinycompError:
        return None
    return program.operations[0].encoded[0]


def _on(board: Board, storage: Storage) -> Storage:
    """The storage as it is on a board."""
    copied = board.memory.harvard
    return replace(storage, copied=copied, most_room=ROOM if copied else None)


def fit(codec: str, samples: list[tuple[Mapping[str, float], float]]) -> dict[str, float]:
    """Coefficients of a codec's terms, none of them negative."""
    terms = list(codecs()[codec].instructions)
    matrix = np.array([[{WEIGHTS: 1.0, **amounts}[t] for t in terms] for amounts, _ in samples])
    times = np.array([time for _, time in samples])
    found, _ = nnls(matrix, np.maximum(times, 0))
    error = np.abs(matrix @ found - times).sum() / max(1.0, times.sum())
    print(f"{codec}: {len(samples)} samples, mean error {error:.1%}")
    return {term: round(float(each), 2) for term, each in zip(terms, found, strict=True)}


if __name__ == "__main__":
    main()
