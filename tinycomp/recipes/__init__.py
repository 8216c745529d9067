"""Recipes: sequences of compression and training steps that turn a float model into a small int8
model.
"""
