"""Compression techniques, one per module. They change values or structure, not storage."""
