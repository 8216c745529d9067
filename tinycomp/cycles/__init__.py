"""Cycles on a real chip, estimated from the instructions that an emulator counts."""
