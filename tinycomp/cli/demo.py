"""The demo: trains a small model on scikit-learn's handwritten digits, and builds it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp import pipeline
from tinycomp.common.errors import ToolError
from tinycomp.common.progress import Progress
from tinycomp.frontend.keras import import_keras
from tinycomp.options.build import BuildOptions, Preparation
from tinycomp.report.record import Report

BOARD = "cortex-m4"
CODEBOOK_BITS = 4
SPARSITY = 0.3
EPOCHS = 20
TRAINING_SHARE = 0.75


def run(output: Path, force: bool, progress: Progress) -> Report:
    """Train, compress, emit, verify and bench; the report of the build in `output`.

    Raises:
        ToolError: scikit-learn is not installed.
        TinycompError: as pipeline.build.
    """
    with tempfile.TemporaryDirectory(prefix="tinycomp-demo-") as folder:
        model, data = Path(folder) / "digits.keras", Path(folder) / "digits.npz"
        with progress.stage("Training on handwritten digits", EPOCHS) as advance:
            _train(model, data, advance)
        wanted = Preparation(model, data, codebook_bits=CODEBOOK_BITS, sparsity=SPARSITY)
        return pipeline.build(BuildOptions(wanted, BOARD, output, force=force), progress)


def _train(model_path: Path, data_path: Path, advance: Any) -> None:
    images, labels = _digits()
    count = int(len(images) * TRAINING_SHARE)
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:count], order[count:]
    np.savez(
        data_path, x_train=images[train], y_train=labels[train], x_test=images[test],
        y_test=labels[test], class_names=np.array([str(digit) for digit in range(10)]),
    )  # fmt: skip
    keras = import_keras("The demo")
    keras.utils.set_random_seed(0)
    model = _model(keras)
    model.compile("adam", "sparse_categorical_crossentropy")
    progress = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: advance(1))
    model.fit(
        images[train], labels[train], epochs=EPOCHS, batch_size=32, verbose=0, callbacks=[progress]
    )
    model.save(model_path)


def _digits() -> tuple[Any, Any]:
    """Images (1797, 8, 8, 1) in 0..1 and labels."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ToolError(
            "The demo trains on scikit-learn's digits, and scikit-learn is not installed.",
            hint="Run: pip install 'tinycomp[demo]'",
        ) from None
    digits = load_digits()
    return (digits.images[..., np.newaxis] / 16).astype(np.float32), digits.target.astype(np.uint8)


def _model(keras: Any) -> Any:
    """A depthwise-separable network, as is usual on microcontrollers."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(32, 1, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )
