"""Packages of the library for other build systems: one module each, found by _registry."""
