"""Operators: one module each, found by tinycomp.ops._registry."""
