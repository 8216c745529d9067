"""Boards, their compilers, and what fits on them."""
