"""Compression techniques: one module each; they change values or structure, never the storage."""
