"""Recipes: techniques and trainings in order, from a float model to a small int8 one."""
