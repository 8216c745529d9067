"""Kinds of projects: one module each, found by tinycomp.emit.projects._registry."""
