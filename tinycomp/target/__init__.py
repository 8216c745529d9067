"""Boards, their compilers and memory limits."""
