"""tinycomp: compiles trained Keras models to verified C code for microcontrollers."""

__version__ = "0.1.0"
