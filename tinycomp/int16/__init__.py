"""Operators on 16-bit activations (16x8): the arithmetic, one module per kind of kernel."""
