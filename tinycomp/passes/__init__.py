"""Passes: Graph -> Graph, one rewrite per module."""
