"""Quantization: calibration data and a float Graph -> int8 Graph -> standard .tflite.

Called, the package is tinycomp.api.quantize.
"""

from tinycomp.common.called import make_callable

make_callable(__name__)
