"""Codecs: ways to store int8 weights in flash, one per module."""
