"""Checks and measurements after a build."""
