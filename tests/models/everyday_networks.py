"""Keras networks of the kinds that people put on microcontrollers, in small shapes, with random
weights.

Each function takes keras.layers and returns the model. `REFUSED` are those that can't be built,
with words of the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Model = Any
"""A keras.Model; Keras takes seconds to import, so functions import it."""

IMAGE, SIGNAL, VECTOR = (16, 16, 3), (24, 4), (12,)


def _sequential(shape: tuple[int, ...], *layers: Any) -> Model:
    import keras

    return keras.Sequential([keras.Input(shape), *layers])


def _functional(shape: tuple[int, ...], body: Callable[[Any], Any]) -> Model:
    import keras

    source = keras.Input(shape)
    return keras.Model(source, body(source))


def _classes(k: Any, x: Any, count: int = 5) -> Any:
    return k.Dense(count, activation="softmax")(k.GlobalAveragePooling2D()(x))


def _block(k: Any, x: Any, channels: int, stride: int = 1, kernel: int = 3) -> Any:
    x = k.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False)(x)
    return k.ReLU()(k.BatchNormalization()(x))


# Dense networks.


def mlp(k: Any) -> Model:
    return _sequential(
        VECTOR,
        k.Dense(24, activation="relu"),
        k.Dropout(0.3),
        k.Dense(16, activation="relu"),
        k.Dense(4, activation="softmax"),
    )


def mlp_batch_normalization(k: Any) -> Model:
    return _sequential(
        VECTOR,
        k.Dense(24, use_bias=False),
        k.BatchNormalization(),
        k.Activation("relu"),
        k.Dense(1, activation="sigmoid"),
    )


def sine_regression(k: Any) -> Model:
    return _sequential((1,), *[k.Dense(16, activation="relu") for _ in range(2)], k.Dense(1))


def mlp_normalized_input(k: Any) -> Model:
    import numpy as np

    normalization = k.Normalization(mean=np.linspace(-1, 1, 12), variance=np.linspace(0.5, 2, 12))
    return _sequential(VECTOR, normalization, k.Dense(8, activation="tanh"), k.Dense(2))


def mlp_self_normalizing(k: Any) -> Model:
    return _sequential(
        VECTOR,
        k.Dense(16, activation="selu", kernel_initializer="lecun_normal"),
        k.AlphaDropout(0.1),
        k.Dense(16, activation="selu"),
        k.Dense(3, activation="softmax"),
    )


def mlp_residual(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Dense(16, activation="relu")(x)
        for _ in range(2):
            x = k.Add()([x, k.Dense(16, activation="relu")(x)])
        return k.Dense(3, activation="softmax")(x)

    return _functional(VECTOR, body)


def mlp_layer_normalization(k: Any) -> Model:
    return _sequential(
        VECTOR, k.Dense(16), k.LayerNormalization(), k.Activation("gelu"), k.Dense(3)
    )


def mlp_every_activation(k: Any) -> Model:
    def body(x: Any) -> Any:
        names = (
            "elu softplus softsign silu mish hard_sigmoid hard_silu exponential relu6 leaky_relu"
        )
        branches = [k.Dense(4, activation=name)(x) for name in names.split()]
        return k.Dense(3)(k.Concatenate()(branches))

    return _functional(VECTOR, body)


def mlp_prelu(k: Any) -> Model:
    slopes = {"alpha_initializer": "random_uniform"}
    return _sequential(VECTOR, k.Dense(16), k.PReLU(**slopes), k.Dense(8), k.ELU(0.5), k.Dense(2))


def mlp_maximum_minimum(k: Any) -> Model:
    def body(x: Any) -> Any:
        a, b = k.Dense(8)(x), k.Dense(8)(x)
        joined = [k.Maximum()([a, b]), k.Minimum()([a, b]), k.Average()([a, b])]
        return k.Dense(2)(k.Concatenate()([*joined, k.Subtract()([a, b]), k.Multiply()([a, b])]))

    return _functional(VECTOR, body)


def autoencoder_dense(k: Any) -> Model:
    sizes = (16, 8, 3, 8, 16)
    return _sequential(VECTOR, *[k.Dense(n, activation="relu") for n in sizes], k.Dense(12))


def unit_normalized_embedding_vector(k: Any) -> Model:
    return _sequential(VECTOR, k.Dense(16, activation="relu"), k.Dense(8), k.UnitNormalization())


def multilabel(k: Any) -> Model:
    return _sequential(VECTOR, k.Dense(16, activation="relu"), k.Dense(6, activation="sigmoid"))


def gaussian_noise_mlp(k: Any) -> Model:
    return _sequential(
        VECTOR,
        k.GaussianNoise(0.1),
        k.Dense(8, activation="relu"),
        k.GaussianDropout(0.2),
        k.ActivityRegularization(0.01),
        k.Dense(2),
    )


# Images.


def lenet(k: Any) -> Model:
    return _sequential(
        (20, 20, 1),
        k.Conv2D(6, 5, activation="tanh"),
        k.AveragePooling2D(2),
        k.Conv2D(8, 3, activation="tanh"),
        k.AveragePooling2D(2),
        k.Flatten(),
        k.Dense(24, activation="tanh"),
        k.Dense(10, activation="softmax"),
    )


def cnn_max_pooling(k: Any) -> Model:
    return _sequential(
        IMAGE,
        k.Rescaling(1 / 255),
        k.Conv2D(8, 3, activation="relu"),
        k.MaxPooling2D(),
        k.Conv2D(8, 3, padding="same", activation="relu"),
        k.MaxPooling2D(3, strides=2, padding="same"),
        k.SpatialDropout2D(0.2),
        k.Flatten(),
        k.Dense(5, activation="softmax"),
    )


def vgg(k: Any) -> Model:
    def body(x: Any) -> Any:
        for channels in (6, 8):
            x = k.MaxPooling2D()(_block(k, _block(k, x, channels), channels))
        return k.Dense(5)(k.Dense(12, activation="relu")(k.Flatten()(x)))

    return _functional(IMAGE, body)


def cnn_strides_dilation(k: Any) -> Model:
    return _sequential(
        IMAGE,
        k.Conv2D(6, 3, strides=(2, 1), padding="same", activation="relu6"),
        k.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu"),
        k.Conv2D(6, (1, 5), dilation_rate=(1, 2)),
        k.GlobalMaxPooling2D(),
        k.Dense(3),
    )


def all_convolutional(k: Any) -> Model:
    return _sequential(
        IMAGE,
        k.Conv2D(8, 3, strides=2, activation="relu"),
        k.Conv2D(8, 3, strides=2, activation="relu"),
        k.Conv2D(5, 1),
        k.GlobalAveragePooling2D(),
        k.Softmax(),
    )


def mobilenet_v1_blocks(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = _block(k, x, 8, 2)
        for channels, stride in ((12, 1), (16, 2)):
            x = k.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
            x = k.ReLU(6.0)(k.BatchNormalization()(x))
            x = k.ReLU(6.0)(k.BatchNormalization()(k.Conv2D(channels, 1, use_bias=False)(x)))
        return _classes(k, x)

    return _functional(IMAGE, body)


def mobilenet_v2_blocks(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = _block(k, x, 8, 2)
        for stride in (2, 1):
            y = k.ReLU(6.0)(k.BatchNormalization()(k.Conv2D(24, 1, use_bias=False)(x)))
            padded = k.ZeroPadding2D(((0, 1), (0, 1)))(y) if stride == 2 else y
            padding = "valid" if stride == 2 else "same"
            y = k.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False)(padded)
            y = k.ReLU(6.0)(k.BatchNormalization()(y))
            y = k.BatchNormalization()(k.Conv2D(8, 1, use_bias=False)(y))
            x = y if stride == 2 else k.Add()([x, y])
        return _classes(k, x)

    return _functional(IMAGE, body)


def mobilenet_v3_blocks(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv2D(8, 3, strides=2, padding="same", activation="hard_silu")(x)
        y = k.DepthwiseConv2D(5, padding="same")(k.Conv2D(16, 1, activation="hard_silu")(x))
        gate = k.GlobalAveragePooling2D(keepdims=True)(y)
        gate = k.Conv2D(16, 1, activation="hard_sigmoid")(k.Conv2D(4, 1, activation="relu")(gate))
        x = k.Add()([x, k.Conv2D(8, 1)(k.Multiply()([y, gate]))])
        return _classes(k, x)

    return _functional(IMAGE, body)


def separable_cnn(k: Any) -> Model:
    return _sequential(
        IMAGE,
        k.SeparableConv2D(8, 3, activation="relu", depth_multiplier=2),
        k.SeparableConv2D(8, 3, strides=2, padding="same", activation="relu"),
        k.GlobalAveragePooling2D(),
        k.Dense(4, activation="softmax"),
    )


def xception_block(k: Any) -> Model:
    def body(x: Any) -> Any:
        side = k.BatchNormalization()(k.Conv2D(8, 1, strides=2, padding="same")(x))
        for _ in range(2):
            x = k.ReLU()(k.BatchNormalization()(k.SeparableConv2D(8, 3, padding="same")(x)))
        x = k.MaxPooling2D(3, strides=2, padding="same")(x)
        return _classes(k, k.Add()([x, side]))

    return _functional(IMAGE, body)


def residual(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = _block(k, x, 8)
        y = k.BatchNormalization()(k.Conv2D(8, 3, padding="same")(_block(k, x, 8)))
        x = k.Activation("relu")(k.add([x, y]))
        y = k.BatchNormalization()(k.Conv2D(12, 3, padding="same")(_block(k, x, 12, 2)))
        return _classes(k, k.ReLU()(k.add([k.Conv2D(12, 1, strides=2)(x), y])))

    return _functional(IMAGE, body)


def residual_before_activation(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv2D(8, 3, padding="same")(x)
        for _ in range(2):
            y = k.ReLU()(k.BatchNormalization()(x))
            x = k.Add()([x, k.Conv2D(8, 3, padding="same")(y)])
        return _classes(k, k.ReLU()(k.BatchNormalization()(x)))

    return _functional(IMAGE, body)


def inception(k: Any) -> Model:
    def body(x: Any) -> Any:
        branches = [
            k.Conv2D(4, 1, activation="relu")(x),
            k.Conv2D(4, 3, padding="same", activation="relu")(k.Conv2D(3, 1)(x)),
            k.Conv2D(4, (1, 5), padding="same")(k.Conv2D(3, (5, 1), padding="same")(x)),
            k.Conv2D(4, 1)(k.MaxPooling2D(3, strides=1, padding="same")(x)),
            k.Conv2D(4, 1)(k.AveragePooling2D(3, strides=1, padding="same")(x)),
        ]
        return _classes(k, k.Concatenate()(branches))

    return _functional(IMAGE, body)


def densenet(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv2D(8, 3, padding="same")(x)
        for _ in range(3):
            y = k.Conv2D(4, 3, padding="same")(k.ReLU()(k.BatchNormalization()(x)))
            x = k.Concatenate()([x, y])
        x = k.AveragePooling2D(2)(k.Conv2D(8, 1)(k.ReLU()(k.BatchNormalization()(x))))
        return _classes(k, x)

    return _functional(IMAGE, body)


def squeezenet_fire(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.MaxPooling2D(3, strides=2)(k.Conv2D(8, 3, activation="relu")(x))
        for _ in range(2):
            x = k.Conv2D(4, 1, activation="relu")(x)
            wide = k.Conv2D(6, 3, padding="same", activation="relu")(x)
            x = k.Concatenate()([k.Conv2D(6, 1, activation="relu")(x), wide])
        return k.Softmax()(k.GlobalAveragePooling2D()(k.Conv2D(5, 1)(x)))

    return _functional(IMAGE, body)


def squeeze_excitation(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = _block(k, x, 8)
        gate = k.Dense(4, activation="relu")(k.GlobalAveragePooling2D()(x))
        gate = k.Reshape((1, 1, 8))(k.Dense(8, activation="sigmoid")(gate))
        return _classes(k, k.multiply([x, gate]))

    return _functional(IMAGE, body)


def convolutional_attention(k: Any) -> Model:
    def body(x: Any) -> Any:
        from keras import ops

        x = _block(k, x, 8)
        mean, most = ops.mean(x, axis=-1, keepdims=True), ops.max(x, axis=-1, keepdims=True)
        gate = k.Conv2D(1, 7, padding="same", activation="sigmoid")(k.Concatenate()([mean, most]))
        return _classes(k, k.Multiply()([x, gate]))

    return _functional(IMAGE, body)


def grouped_shuffle(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv2D(8, 1, activation="relu")(x)
        x = k.Conv2D(8, 1, groups=2)(x)
        x = k.Reshape((16, 16, 8))(k.Permute((1, 2, 4, 3))(k.Reshape((16, 16, 2, 4))(x)))
        return _classes(k, k.Conv2D(8, 3, groups=4, padding="same")(x))

    return _functional(IMAGE, body)


def unet(k: Any) -> Model:
    def body(x: Any) -> Any:
        high = k.Conv2D(6, 3, padding="same", activation="relu")(x)
        low = k.Conv2D(8, 3, padding="same", activation="relu")(k.MaxPooling2D()(high))
        up = k.Conv2DTranspose(6, 2, strides=2, padding="same")(low)
        joined = k.Conv2D(6, 3, padding="same", activation="relu")(k.Concatenate()([up, high]))
        return k.Conv2D(1, 1, activation="sigmoid")(joined)

    return _functional(IMAGE, body)


def unet_upsampling(k: Any) -> Model:
    def body(x: Any) -> Any:
        high = k.Conv2D(6, 3, padding="same", activation="relu")(x)
        low = k.Conv2D(8, 3, strides=2, padding="same", activation="relu")(high)
        joined = k.Concatenate()([k.UpSampling2D(interpolation="bilinear")(low), high])
        return k.Conv2D(3, 1, activation="softmax")(joined)

    return _functional(IMAGE, body)


def autoencoder_convolutional(k: Any) -> Model:
    same = {"padding": "same", "activation": "relu"}
    return _sequential(
        (16, 16, 1),
        k.Conv2D(8, 3, strides=2, **same),
        k.Conv2D(4, 3, strides=2, **same),
        k.Conv2DTranspose(4, 3, strides=2, **same),
        k.UpSampling2D(2),
        k.Conv2D(1, 3, padding="same", activation="sigmoid"),
    )


def variational_encoder(k: Any) -> Model:
    import keras

    source = keras.Input((16, 16, 1))
    x = k.Flatten()(k.Conv2D(6, 3, strides=2, activation="relu")(source))
    return keras.Model(source, [k.Dense(4, name="mean")(x), k.Dense(4, name="variance")(x)])


def variational_decoder(k: Any) -> Model:
    return _sequential(
        (4,),
        k.Dense(4 * 4 * 8, activation="relu"),
        k.Reshape((4, 4, 8)),
        k.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu"),
        k.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
    )


def super_resolution(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv2D(8, 3, padding="same", activation="relu")(x)
        return k.Conv2D(3, 3, padding="same")(k.UpSampling2D(2, interpolation="nearest")(x))

    return _functional((8, 8, 3), body)


def centers_heatmap(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = _block(k, _block(k, x, 8, 2), 8)
        return k.Conv2D(3, 1, activation="softmax")(k.Conv2D(8, 1, activation="relu")(x))

    return _functional(IMAGE, body)


def detector_two_scales(k: Any) -> Model:
    import keras

    source = keras.Input(IMAGE)
    fine = _block(k, _block(k, source, 6, 2), 8)
    coarse = _block(k, fine, 8, 2)
    heads = [k.Reshape((-1, 6))(k.Conv2D(6, 1)(x)) for x in (fine, coarse)]
    return keras.Model(source, k.Concatenate(axis=1)(heads))


def padded_cropped(k: Any) -> Model:
    return _sequential(
        IMAGE,
        k.ZeroPadding2D((2, 1)),
        k.Conv2D(6, 3, activation="relu"),
        k.Cropping2D(((1, 2), (0, 3))),
        k.GlobalMaxPooling2D(keepdims=True),
        k.Flatten(),
        k.Dense(2),
    )


def layer_normalized_cnn(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv2D(8, 4, strides=4)(x)
        y = k.LayerNormalization(epsilon=1e-6)(k.DepthwiseConv2D(3, padding="same")(x))
        x = k.Add()([x, k.Dense(8)(k.Dense(16, activation="gelu")(y))])
        return _classes(k, x)

    return _functional(IMAGE, body)


def prelu_cnn(k: Any) -> Model:
    slopes = {"alpha_initializer": "random_uniform", "shared_axes": [1, 2]}
    return _sequential(
        IMAGE, k.Conv2D(8, 3), k.PReLU(**slopes), k.MaxPooling2D(), k.Flatten(), k.Dense(3)
    )


def resizing_and_augmentation(k: Any) -> Model:
    return _sequential(
        IMAGE,
        k.RandomFlip("horizontal"),
        k.RandomRotation(0.1),
        k.Rescaling(1 / 127.5, offset=-1),
        k.Conv2D(6, 3, activation="relu"),
        k.GlobalAveragePooling2D(),
        k.Dense(3),
    )


def resized_input(k: Any) -> Model:
    return _sequential(
        IMAGE, k.Resizing(8, 8), k.Conv2D(6, 3, activation="relu"), k.Flatten(), k.Dense(3)
    )


def nested_backbone(k: Any) -> Model:
    import keras

    backbone = _functional(IMAGE, lambda x: _block(k, _block(k, x, 6, 2), 8, 2))
    source = keras.Input(IMAGE)
    return keras.Model(source, _classes(k, backbone(k.Rescaling(1 / 127.5, offset=-1)(source))))


def siamese(k: Any) -> Model:
    import keras
    from keras import ops

    tower = _functional(IMAGE, lambda x: k.Dense(6)(k.GlobalAveragePooling2D()(_block(k, x, 6, 2))))
    pair = [keras.Input(IMAGE, name=name) for name in ("one", "other")]
    distance = ops.abs(ops.subtract(*map(tower, pair)))
    return keras.Model(pair, k.Dense(1, activation="sigmoid")(distance))


def operators_on_tensors(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv2D(6, 3, strides=2)(x / 127.5 - 1.0)
        return k.Dense(3)(k.Flatten()(x * 0.5 + 0.1)[:, 10:40])

    return _functional(IMAGE, body)


def reductions_of_ops(k: Any) -> Model:
    def body(x: Any) -> Any:
        from keras import ops

        x = k.Conv2D(6, 3, activation="relu")(x)
        parts = [ops.mean(x, axis=[1, 2]), ops.max(x, axis=[1, 2]), ops.sum(x, axis=(1, 2))]
        return k.Dense(3)(ops.concatenate(parts, axis=-1))

    return _functional(IMAGE, body)


def conv3d(k: Any) -> Model:
    return _sequential((4, 8, 8, 1), k.Conv3D(4, 3), k.Flatten(), k.Dense(2))


# Signals.


def cnn_1d(k: Any) -> Model:
    return _sequential(
        SIGNAL,
        k.Conv1D(8, 3, activation="relu"),
        k.MaxPooling1D(2),
        k.Conv1D(8, 3, activation="relu"),
        k.GlobalAveragePooling1D(),
        k.Dense(4, activation="softmax"),
    )


def activity_cnn(k: Any) -> Model:
    return _sequential(
        SIGNAL,
        k.Conv1D(8, 5, strides=2, padding="same"),
        k.BatchNormalization(),
        k.ReLU(),
        k.SpatialDropout1D(0.1),
        k.AveragePooling1D(2),
        k.Flatten(),
        k.Dense(16, activation="relu"),
        k.Dense(6, activation="softmax"),
    )


def ecg_residual(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv1D(8, 7, padding="same")(x)
        for stride in (1, 2):
            side = k.MaxPooling1D(stride, padding="same")(x)
            y = k.Conv1D(8, 3, padding="same")(k.ReLU()(k.BatchNormalization()(x)))
            y = k.Conv1D(8, 3, strides=stride, padding="same")(k.ReLU()(k.BatchNormalization()(y)))
            x = k.Add()([side, y])
        return k.Dense(5, activation="softmax")(k.GlobalMaxPooling1D()(x))

    return _functional((32, 1), body)


def separable_1d(k: Any) -> Model:
    return _sequential(
        SIGNAL,
        k.SeparableConv1D(8, 3, activation="relu"),
        k.DepthwiseConv1D(3, padding="same", depth_multiplier=2),
        k.GlobalMaxPooling1D(keepdims=True),
        k.Flatten(),
        k.Dense(3),
    )


def tcn(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Conv1D(8, 1)(x)
        for dilation in (1, 2, 4):
            y = k.Conv1D(8, 3, dilation_rate=dilation, padding="causal", activation="relu")(x)
            x = k.Add()([x, k.Conv1D(8, 3, dilation_rate=dilation, padding="causal")(y)])
        return k.Dense(4)(x[:, -1])

    return _functional(SIGNAL, body)


def wavenet(k: Any) -> Model:
    def body(x: Any) -> Any:
        x, skips = k.Conv1D(6, 2, padding="causal")(x), []
        for dilation in (1, 2, 4):
            causal = {"dilation_rate": dilation, "padding": "causal"}
            y = k.Multiply()(
                [
                    k.Conv1D(6, 2, activation="tanh", **causal)(x),
                    k.Conv1D(6, 2, activation="sigmoid", **causal)(x),
                ]
            )
            skips.append(k.Conv1D(6, 1)(y))
            x = k.Add()([x, skips[-1]])
        return k.Conv1D(4, 1, activation="softmax")(k.ReLU()(k.Add()(skips)))

    return _functional(SIGNAL, body)


def keyword_ds_cnn(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Reshape((24, 10, 1))(x)
        x = k.ReLU()(
            k.BatchNormalization()(k.Conv2D(8, (10, 4), strides=(2, 2), padding="same")(x))
        )
        x = k.ReLU()(k.BatchNormalization()(k.DepthwiseConv2D(3, padding="same")(x)))
        x = k.ReLU()(k.BatchNormalization()(k.Conv2D(8, 1)(x)))
        x = k.Flatten()(k.AveragePooling2D((12, 5))(x))
        return k.Dense(6, activation="softmax")(x)

    return _functional((240,), body)


def svdf_like(k: Any) -> Model:
    return _sequential(
        SIGNAL,
        k.Conv1D(8, 1),
        k.DepthwiseConv1D(8),
        k.ReLU(),
        k.Flatten(),
        k.Dense(4, activation="softmax"),
    )


def autoencoder_1d(k: Any) -> Model:
    same = {"padding": "same", "activation": "relu"}
    return _sequential(
        SIGNAL,
        k.Conv1D(8, 3, strides=2, **same),
        k.Conv1DTranspose(8, 3, strides=2, **same),
        k.Conv1D(4, 3, padding="same"),
    )


def upsampled_1d(k: Any) -> Model:
    return _sequential(
        SIGNAL,
        k.ZeroPadding1D((2, 1)),
        k.Conv1D(6, 4, strides=2, activation="relu"),
        k.UpSampling1D(2),
        k.Cropping1D((1, 1)),
        k.Conv1D(2, 3, padding="same"),
    )


def locally_connected(k: Any) -> Model:
    def body(x: Any) -> Any:
        parts = [k.Dense(2)(k.Flatten()(x[:, i : i + 6])) for i in range(0, 24, 6)]
        return k.Dense(3)(k.ReLU()(k.Concatenate()(parts)))

    return _functional(SIGNAL, body)


def permuted_channels(k: Any) -> Model:
    return _sequential(
        (4, 24),
        k.Permute((2, 1)),
        k.Conv1D(6, 3, activation="relu"),
        k.GlobalAveragePooling1D(),
        k.Dense(3),
    )


# Recurrent networks.


def lstm(k: Any) -> Model:
    return _sequential(SIGNAL, k.LSTM(8), k.Dense(4, activation="softmax"))


def lstm_stacked(k: Any) -> Model:
    return _sequential(SIGNAL, k.LSTM(8, return_sequences=True), k.LSTM(6), k.Dense(3))


def gru(k: Any) -> Model:
    return _sequential(SIGNAL, k.GRU(8), k.Dense(4, activation="softmax"))


def gru_reset_before(k: Any) -> Model:
    return _sequential(SIGNAL, k.GRU(8, reset_after=False), k.Dense(2))


def simple_rnn(k: Any) -> Model:
    return _sequential(SIGNAL, k.SimpleRNN(8, return_sequences=True), k.Dense(2))


def bidirectional_lstm(k: Any) -> Model:
    return _sequential(SIGNAL, k.Bidirectional(k.LSTM(6)), k.Dense(3, activation="softmax"))


def bidirectional_gru_summed(k: Any) -> Model:
    layer = k.Bidirectional(k.GRU(6, return_sequences=True), merge_mode="sum")
    return _sequential(SIGNAL, layer, k.GlobalMaxPooling1D(), k.Dense(3))


def gru_backwards(k: Any) -> Model:
    return _sequential(SIGNAL, k.GRU(6, go_backwards=True, dropout=0.1), k.Dense(2))


def crnn(k: Any) -> Model:
    return _sequential(
        (24, 10, 1),
        k.Conv2D(4, 3, strides=(1, 2), padding="same", activation="relu"),
        k.Reshape((24, 20)),
        k.GRU(8),
        k.Dense(4, activation="softmax"),
    )


def conv_lstm_1d(k: Any) -> Model:
    return _sequential(
        SIGNAL,
        k.Conv1D(8, 3, activation="relu"),
        k.MaxPooling1D(2),
        k.LSTM(8),
        k.Dropout(0.5),
        k.Dense(6, activation="softmax"),
    )


def lstm_autoencoder(k: Any) -> Model:
    return _sequential(
        (10, 3),
        k.LSTM(6),
        k.RepeatVector(10),
        k.LSTM(6, return_sequences=True),
        k.TimeDistributed(k.Dense(3)),
    )


def time_distributed_cnn(k: Any) -> Model:
    return _sequential(
        (6, 8, 8, 1),
        k.TimeDistributed(k.Conv2D(3, 3, activation="relu")),
        k.TimeDistributed(k.GlobalAveragePooling2D()),
        k.LSTM(6),
        k.Dense(2),
    )


def time_distributed_model(k: Any) -> Model:
    import keras

    source = keras.Input((8, 8, 1))
    first, second = (k.Conv2D(2, 3, strides=s, padding="same")(source) for s in (2, 2))
    image = keras.Model(source, k.Flatten()(k.Add()([first, second])))
    return _sequential((3, 8, 8, 1), k.TimeDistributed(image), k.GRU(5), k.Dense(2))


def windows_of_a_signal(k: Any) -> Model:
    import keras

    window = keras.Sequential(
        [
            keras.Input((20, 2)),
            k.Conv1D(4, 3, activation="relu"),
            k.MaxPooling1D(2),
            k.SeparableConv1D(5, 3, padding="same"),
            k.ReLU(),
            k.GlobalAveragePooling1D(),
        ]
    )
    return _sequential((40, 20, 2), k.TimeDistributed(window), k.LSTM(6), k.Dense(3))


def conv_lstm_over_signals(k: Any) -> Model:
    layer = k.ConvLSTM1D(3, 3, padding="same", return_sequences=True)
    return _sequential((5, 12, 2), layer, k.Flatten(), k.Dense(2))


def conv_lstm_2d(k: Any) -> Model:
    return _sequential((4, 8, 8, 1), k.ConvLSTM2D(3, 3), k.Flatten(), k.Dense(2))


# Attention and texts.


def self_attention(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Dense(8)(x)
        x = k.LayerNormalization()(k.Add()([x, k.MultiHeadAttention(2, 4)(x, x)]))
        return k.Dense(3)(k.GlobalAveragePooling1D()(x))

    return _functional((8, 4), body)


def transformer_block(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Dense(8)(x)
        y = k.LayerNormalization()(x)
        x = k.Add()([x, k.MultiHeadAttention(2, 4, dropout=0.1)(y, y)])
        y = k.Dense(16, activation="gelu")(k.LayerNormalization()(x))
        x = k.Add()([x, k.Dense(8)(y)])
        return k.Dense(3, activation="softmax")(k.GlobalAveragePooling1D()(x))

    return _functional((8, 4), body)


def dot_attention(k: Any) -> Model:
    def body(x: Any) -> Any:
        query, value = k.Dense(6)(x), k.Dense(6)(x)
        weights = k.Softmax()(k.Dot(axes=(2, 2))([query, value]))
        return k.Dense(2)(k.Flatten()(k.Dot(axes=(2, 1))([weights, value])))

    return _functional((8, 4), body)


def attention_pooling(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.GRU(6, return_sequences=True)(x)
        weights = k.Softmax(axis=1)(k.Dense(1)(x))
        return k.Dense(2)(k.Flatten()(k.Dot(axes=1)([weights, x])))

    return _functional((10, 4), body)


def text_embedding(k: Any) -> Model:
    return _sequential((12,), k.Embedding(20, 6), k.GlobalAveragePooling1D(), k.Dense(2))


def text_masked(k: Any) -> Model:
    words = k.Embedding(20, 6, mask_zero=True)
    return _sequential((12,), words, k.Dropout(0.2), k.LSTM(6), k.Dense(1))


def steps_masked(k: Any) -> Model:
    return _sequential((12, 3), k.Masking(), k.Bidirectional(k.GRU(4)), k.Dense(1))


def encoder_and_decoder(k: Any) -> Model:
    import keras

    x = keras.Input((10, 3))
    last, *states = k.LSTM(6, return_state=True)(x)
    y = k.LSTM(6, return_sequences=True)(k.RepeatVector(4)(last), initial_state=states)
    return keras.Model(x, k.TimeDistributed(k.Dense(3))(y))


def text_of_32_bits(k: Any) -> Model:
    import keras

    return keras.Sequential(
        [
            keras.Input((12,), dtype="int32"),
            k.Embedding(300, 6),
            k.Conv1D(8, 3, activation="relu"),
            k.GlobalAveragePooling1D(),
            k.Dense(4, activation="softmax"),
        ]
    )


def categories_and_numbers(k: Any) -> Model:
    import keras

    day, amounts = keras.Input((1,), name="day", dtype="int32"), keras.Input((5,), name="amounts")
    x = k.Concatenate()([k.Flatten()(k.Embedding(7, 3)(day)), amounts])
    return keras.Model([day, amounts], k.Dense(1)(k.Dense(8, activation="relu")(x)))


def text_cnn(k: Any) -> Model:
    def body(x: Any) -> Any:
        x = k.Embedding(20, 6)(x)
        parts = [k.GlobalMaxPooling1D()(k.Conv1D(4, n, activation="relu")(x)) for n in (2, 3, 4)]
        return k.Dense(2, activation="softmax")(k.Concatenate()(parts))

    return _functional((12,), body)


def text_lstm(k: Any) -> Model:
    return _sequential((12,), k.Embedding(20, 6), k.LSTM(6), k.Dense(1, activation="sigmoid"))


# Several inputs and outputs.


def sensors_and_image(k: Any) -> Model:
    import keras

    image, sensors = keras.Input((8, 8, 1), name="image"), keras.Input((5,), name="sensors")
    x = k.Flatten()(k.Conv2D(4, 3, activation="relu")(image))
    x = k.Concatenate()([x, k.Dense(6, activation="relu")(sensors)])
    return keras.Model([image, sensors], k.Dense(3, activation="softmax")(x))


def class_and_box(k: Any) -> Model:
    import keras

    source = keras.Input(IMAGE)
    x = k.GlobalAveragePooling2D()(_block(k, _block(k, source, 6, 2), 8, 2))
    heads = [k.Dense(4, activation="softmax", name="kind")(x), k.Dense(4, name="box")(x)]
    return keras.Model(source, heads)


NETWORKS: dict[str, Callable[[Any], Model]] = {
    name: make
    for name, make in list(globals().items())
    if callable(make) and getattr(make, "__module__", "") == __name__ and name[0] != "_"
}

REFUSED = {
    "conv3d": "'conv3d' is of type Conv3D",
}
"""What is refused, with the reason."""
