"""Codecs: one module a way to store int8 weights in flash."""
