"""Frontends: model file -> Graph."""
