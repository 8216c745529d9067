"""Keras networks with attention and with normalization by their own values, as in
everyday_networks.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from everyday_networks import IMAGE, SIGNAL, VECTOR, Model, _functional, _sequential


def group_normalized(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Activation("relu")(k.GroupNormalization(4)(k.Conv2D(8, 3, padding="same")(x)))
        y = k.GroupNormalization(8)(k.Conv2D(8, 3, padding="same")(x))
        return k.Dense(4, activation="softmax")(k.GlobalAveragePooling2D()(k.Add()([x, y])))

    return _functional((8, 8, 3), body)


def instance_normalized_signal(k: Any) -> Model:
    layers = k.Conv1D(8, 3), k.GroupNormalization(-1, epsilon=1e-5), k.ReLU(), k.Flatten()
    return _sequential(SIGNAL, *layers, k.Dense(3))


def everything_normalized(k: Any) -> Model:
    layers = k.Conv2D(4, 3, strides=2), k.LayerNormalization(axis=(1, 2, 3)), k.ReLU()
    return _sequential(IMAGE, *layers, k.Flatten(), k.Dense(2))


def root_mean_square_normalized(k: Any) -> Model:
    return _sequential(VECTOR, k.Dense(8), k.RMSNormalization(), k.Dense(2))


def patches_transformer(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Reshape((16, 12))(k.Conv2D(12, 4, strides=4)(x))
        y = k.LayerNormalization(epsilon=1e-6)(x)
        x = k.Add()([k.MultiHeadAttention(3, 4)(y, y), x])
        y = k.LayerNormalization(epsilon=1e-6)(x)
        x = k.Add()([x, k.Dense(12)(k.Dense(24, activation="gelu")(y))])
        return k.Dense(3)(k.Flatten()(x))

    return _functional(IMAGE, body)


def padded_words_transformer(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Embedding(20, 8, mask_zero=True)(x)
        x = k.LayerNormalization()(k.Add()([x, k.MultiHeadAttention(2, 4)(x, x)]))
        x = k.Add()([x, k.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)])
        return k.Dense(1)(k.GlobalAveragePooling1D()(x))

    return _functional((10,), body)


def mixer(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Reshape((16, 8))(k.Conv2D(8, 4, strides=4)(x))
        y = k.Permute((2, 1))(k.LayerNormalization()(x))
        y = k.Permute((2, 1))(k.Dense(16)(k.Dense(12, activation="gelu")(y)))
        x = k.Add()([x, y])
        return k.Dense(3, activation="softmax")(k.GlobalAveragePooling1D()(x))

    return _functional(IMAGE, body)


def attention_over_an_image(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv2D(8, 4, strides=4)(x)
        x = k.Add()([x, k.MultiHeadAttention(2, 4)(x, x)])
        return k.Dense(3)(k.GlobalAveragePooling2D()(x))

    return _functional(IMAGE, body)


def attention_to_another_input(k: Any) -> Model:
    import keras

    query, memory = keras.Input((6, 8), name="query"), keras.Input((10, 8), name="memory")
    x = k.MultiHeadAttention(2, 4)(query=query, value=memory, key=memory)
    return keras.Model([query, memory], k.Dense(2)(k.GlobalAveragePooling1D()(x)))


def attention_to_the_past(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Dense(8)(x)
        x = k.Add()([x, k.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)])
        return k.Dense(3)(x[:, -1])

    return _functional((8, 4), body)


def attention_without_heads(k: Any) -> Model:
    def body(x: Any) -> Any:
        query, value = k.Dense(6)(x), k.Dense(6)(x)
        parts = [k.Attention(use_scale=True)([query, value]), k.AdditiveAttention()([query, value])]
        return k.Dense(2)(k.Concatenate()([k.GlobalAveragePooling1D()(each) for each in parts]))

    return _functional((8, 4), body)


def cosine_of_pairs(k: Any) -> Model:
    import keras

    tower = _functional(VECTOR, lambda x: k.Dense(6)(k.Dense(8, activation="relu")(x)))
    pair = [keras.Input(VECTOR, name=name) for name in ("one", "other")]
    return keras.Model(pair, k.Dot(axes=-1, normalize=True)([tower(each) for each in pair]))


def einsum_dense(k: Any) -> Model:
    return _sequential(
        (8, 4),
        k.EinsumDense("abc,cde->abde", output_shape=(8, 2, 3), bias_axes="de"),
        k.ReLU(),
        k.EinsumDense("abcd,cde->abe", output_shape=(8, 5)),
        k.Flatten(),
        k.Dense(2),
    )


def positions_of_words(k: Any) -> Model:
    def body(x: Any) -> Any:
        from keras import ops

        x = k.Embedding(40, 8)(x) + k.Embedding(12, 8)(ops.arange(12))
        shares = ops.softmax(ops.matmul(x, ops.transpose(x, (0, 2, 1))), axis=-1)
        return k.Dense(2)(ops.gelu(ops.mean(ops.matmul(shares, x), axis=1)))

    return _functional((12,), body)


def experts(k: Any) -> Model:
    def body(x: Any) -> Any:
        from keras import ops

        gate = ops.softmax(ops.clip(k.Dense(3)(x), -2.0, 5.0))
        each = ops.stack([k.Dense(4, activation="relu")(x) for _ in range(3)], axis=1)
        floor = ops.minimum(ops.maximum(each, 0.1), 2.0)
        return ops.sum(floor * ops.expand_dims(gate, -1), axis=1)

    return _functional(VECTOR, body)


NETWORKS: dict[str, Callable[[Any], Model]] = {
    name: make
    for name, make in list(globals().items())
    if callable(make) and getattr(make, "__module__", "") == __name__
}
