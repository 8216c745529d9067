"""Search: many recipes are tried on one model, and those that no other beats are kept.

Candidates are recipes, the same files that `tinycomp compress` takes.
"""
