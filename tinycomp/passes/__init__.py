"""Passes: Graph -> Graph, one named rewrite a module."""
