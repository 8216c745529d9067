"""tinycomp: a trained Keras model goes in, proven C for microcontrollers comes out."""

__version__ = "0.1.0"
