"""Search: evaluates many recipes on one model, and keeps the Pareto front.

Candidates are recipes, the same files that `tinycomp compress` takes.
Called, the package is tinycomp.api.search.
"""

from tinycomp.common.called import make_callable

make_callable(__name__)
