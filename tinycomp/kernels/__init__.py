"""Instruction sets: the fastest kernels for a core, and their constants in the kernels' layout."""
