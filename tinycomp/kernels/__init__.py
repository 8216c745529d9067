"""Instruction sets: which kernels a core runs best, and their constants in the form those want."""
