"""Trains a model smaller with a tf.data pipeline of one's own: python examples/tf_data.py

scikit-learn's handwritten digits, 8 x 8 pixels. The pipeline shifts images and adds noise, anew in
each epoch; the loss compares with a teacher and with labels. Nothing of that is tinycomp's: the
model under training is a keras.Model, whose weights are pruned and rounded in each step.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from sklearn.datasets import load_digits

from tinycomp.train import Prune, Rate, export_int8, trainable

BATCH = 64
TEMPERATURE = 3.0


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x_train, y_train, x_test, y_test; every fifth image is for the test."""
    found = load_digits()
    x = (found.images[..., np.newaxis] / 16).astype(np.float32)
    test = np.arange(len(x)) % 5 == 4
    return x[~test], found.target[~test], x[test], found.target[test]


def network() -> keras.Model:
    """An ordinary Keras model that ends with logits."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10),
        ]
    )


def shifted(image: tf.Tensor) -> tf.Tensor:
    """The image moved by up to a pixel, with a little noise."""
    padded = tf.pad(image, [[1, 1], [1, 1], [0, 0]])
    moved = tf.image.random_crop(padded, (8, 8, 1))
    return moved + tf.random.normal((8, 8, 1), stddev=0.02)


def pipeline(x: np.ndarray, y: np.ndarray, teacher: keras.Model | None) -> tf.data.Dataset:
    """Batches of images and targets: labels, or labels beside the teacher's logits."""
    batches = (
        tf.data.Dataset.from_tensor_slices((x, y))
        .shuffle(len(x), seed=0)
        .map(lambda image, label: (shifted(image), label), num_parallel_calls=tf.data.AUTOTUNE)
        .batch(BATCH)
    )
    if teacher is not None:
        batches = batches.map(
            lambda image, label: (
                image,
                tf.concat([tf.one_hot(label, 10), teacher(image, training=False)], axis=-1),
            )
        )
    return batches.prefetch(tf.data.AUTOTUNE)


def imitation(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Half of the loss is for labels, half for the softened teacher (Hinton et al., 2015)."""
    labels, wise = targets[:, :10], tf.nn.softmax(targets[:, 10:] / TEMPERATURE)
    own = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
    soft = tf.nn.softmax_cross_entropy_with_logits(wise, logits / TEMPERATURE)
    return 0.5 * own + 0.5 * TEMPERATURE**2 * soft


def accuracy(tflite: bytes, x: np.ndarray, y: np.ndarray) -> float:
    """By LiteRT, as any other .tflite is run."""
    interpreter = Interpreter(model_content=tflite)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = source["quantization"]
    right = 0
    for image, label in zip(np.clip(np.rint(x / scale) + zero, -128, 127), y, strict=True):
        interpreter.set_tensor(source["index"], image[np.newaxis].astype(np.int8))
        interpreter.invoke()
        right += int(interpreter.get_tensor(target["index"]).argmax() == label)
    return right / len(x)


def main() -> None:
    """Train, compress, test and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40, help="of the training under constraints")
    parser.add_argument("--float-epochs", type=int, default=30, help="of the float model")
    parser.add_argument("-o", "--output", type=Path, default=Path("digits.tflite"))
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    x, y, x_test, y_test = digits()

    # 1. An ordinary Keras model, trained as ever.
    teacher = network()
    teacher.compile(
        keras.optimizers.Adam(0.003),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    teacher.fit(pipeline(x, y, None), epochs=options.float_epochs, verbose=0, shuffle=False)
    _, before = teacher.evaluate(x_test, y_test, verbose=0)
    print(f"float: {before:.1%}")

    # 2. The same function under constraints. Samples fix the ranges of rounded activations.
    small = trainable(teacher, [Prune(0.6, end=0.4, every=5), Rate(bits=1.5)], x[:300])

    # 3. Trained by one's own pipeline and loss. Weights are in units of their layer's scale, so
    #    steps are larger than usual: about a hundredth of each layer.
    steps = options.epochs * -(-len(x) // BATCH)
    small.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, steps)), imitation
    )
    small.fit(pipeline(x, y, teacher), epochs=options.epochs, verbose=0, shuffle=False)

    # 4. A standard int8 .tflite; `tinycomp build` makes C of it.
    tflite = export_int8(small, x[:300])
    options.output.write_bytes(tflite)
    print(f"int8: {accuracy(tflite, x_test, y_test):.1%}")
    print(f"Wrote {options.output}: tinycomp build {options.output} --optimize flash -o out")


if __name__ == "__main__":
    main()
