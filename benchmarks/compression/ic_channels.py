"""ic.keras with 1.5 times fewer multiply-accumulates and instructions, by removing channels and
training what is left to imitate it: python -m benchmarks.compression.ic_channels
"""

from __future__ import annotations

from benchmarks.compression._case import Case, main
from benchmarks.compression.ic import data

TRAINING = """
batch = 64
imitation = 0.9
temperature = 4.0
validation = 0.0625
rate = 0.01
normalize = true
"""
STEPS = """
[[steps]]
technique = "channels"
fraction = 0.0
criterion = "taylor"
by_layer = { conv2d_1 = 0.75, conv2d_3 = 0.125, conv2d_6 = 0.25 }
epochs = 30
"""
CASE = Case(
    "ic.keras, fewer channels", data, "ic.keras", 0, TRAINING, STEPS, (None,),
    augment={"shift": 3, "flip": True, "mixup": 0.3}, optimize="speed",
)  # fmt: skip

if __name__ == "__main__":
    main(CASE)
