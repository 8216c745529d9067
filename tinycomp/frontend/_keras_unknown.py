"""Options of Keras layers that are not kept: those without effect on an inference, and refusals of
all others, such as an option of a newer Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tinycomp.common.errors import ModelError

_TRAINING = ("_constraint", "_initializer", "_regularizer")
"""Ends of names of options for training."""
WITHOUT_EFFECT = frozenset(
    {
        "autocast", "batch_input_shape", "batch_size", "bounding_box_format", "build_config",
        "build_input_shape", "dropout", "dtype", "dtype_policy", "fill_mode", "fill_value",
        "flash_attention", "fused", "implementation", "input_dim", "input_dtype", "input_length",
        "input_shape", "key_shape", "lora_alpha", "lora_rank", "momentum", "name", "optional",
        "power_iterations", "query_shape",
        "recurrent_dropout", "renorm_clipping", "renorm_momentum", "seed", "shared_object_id",
        "supports_masking", "synchronized", "trainable", "unit_forget_bias", "unroll", "use_cudnn",
        "value_shape", "virtual_batch_size",
    }
)  # fmt: skip
"""Names, shapes, settings for training and choices among equal ways of computing. Fillings matter
only to images padded to their aspect ratio, renorm_... only with renorm=True; low-rank updates
(lora_...) are part of the saved kernel.
"""
_CHECKED_APART = frozenset({"quantization_config", "stateful"})
"""Options with refusals of their own."""
_NEUTRAL: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "groups": (lambda value: value == 1, "1"),
}
"""Tests for values of options that ask for what is built anyway, besides None and False, and how
they are described. Convolutions of Keras 2 name their one group.
"""


def refuse_unknown(
    class_name: str, name: str, config: Mapping[str, Any], kept: Iterable[str]
) -> None:
    """Refuse a layer with an option that is neither kept nor known to have no effect, unless it is
    switched off (None or False).

    Raises:
        ModelError: it has one; the text names it.
    """
    ignored = WITHOUT_EFFECT | _CHECKED_APART | set(kept)
    for key, value in config.items():
        if key in ignored or key.endswith(_TRAINING) or value is None or value is False:
            continue
        neutral, described = _NEUTRAL.get(key, (lambda _: False, "None, or False"))
        if neutral(value):
            continue
        raise ModelError(
            f"Layer {name!r} ({class_name}) has {key}={value!r}, which is not supported.",
            expected=f"Expected {described}.",
            hint=f"Build the model again without {key}, and train it.",
        )
