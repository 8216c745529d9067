"""Quantization: calibration data and a float Graph -> int8 Graph -> standard .tflite."""
