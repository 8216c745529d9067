"""Samples: reading, checking and scoring them."""
