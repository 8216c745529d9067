"""Compression techniques, one per module. They change weights or structure, not storage."""
