"""Search: evaluates many recipes on one model, and keeps the Pareto front.

Candidates are recipes, the same files that `tinycomp compress` takes.
"""
