"""The arithmetic of error feedback: weights are rounded one after another, and the error of each is
compensated by those after it.

Source: E. Frantar and D. Alistarh, "Optimal brain compression", NeurIPS 2022, in a fixed order as
in E. Frantar et al., "GPTQ", ICLR 2023.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ATTEMPTS = 20
"""Up to a damping of 10^20 times the first, larger than anything in a finite covariance."""


def factorize(covariance: Floats, damping: float) -> tuple[Floats, NDArray[np.intp]]:
    """The upper Cholesky factor of the inverse covariance, axes in descending order of variance.

    If J reverses the axes and J D J = L L^T, then inv(D) has the factor J inv(L)^T J. So the damped
    covariance is factorized instead of its inverse, which is more sensitive to rounding.
    """
    variances = np.diagonal(covariance, axis1=1, axis2=2)
    order = np.argsort(-variances, axis=1, kind="stable")
    rows = np.take_along_axis(covariance, order[:, :, None], axis=1)
    ordered = np.take_along_axis(rows, order[:, None, :], axis=2)
    extra = damping * variances.mean(axis=1)
    extra = np.where(extra > 0, extra, 1.0)
    lower = [_lower_factor(matrix, more) for matrix, more in zip(ordered, extra, strict=True)]
    factor = np.linalg.inv(np.stack(lower))[:, ::-1, ::-1]
    return factor, order


def _lower_factor(covariance: Floats, damping: float) -> Floats:
    """The Cholesky factor of a covariance with its axes reversed. Damping grows tenfold at each
    attempt until the factorization succeeds.

    If inputs hardly vary, or samples are few, variances are so small compared with the squared
    means that rounding makes eigenvalues negative. In the limit damping dominates, and no error is
    compensated.
    """
    unit = np.eye(len(covariance))
    for _ in range(_ATTEMPTS):
        with suppress(np.linalg.LinAlgError):
            damped = covariance + damping * unit
            found = np.linalg.cholesky(damped[::-1, ::-1]).astype(np.float64)
            if np.isfinite(found).all():
                return found
        damping *= 10
    return unit


def assign(
    target: Floats, tables: Floats, held: NDArray[np.bool_], factor: Floats, order: NDArray[np.intp]
) -> Floats:
    """For each weight, all channels at once: take the nearest allowed value, pass on its error."""
    order = np.broadcast_to(order, target.shape)
    free = np.take_along_axis(target, order, axis=1)
    held = np.take_along_axis(held, order, axis=1)
    result = np.empty_like(free)
    for i in range(target.shape[1]):
        nearest = np.abs(tables - free[:, i, None]).argmin(axis=1)
        chosen = np.take_along_axis(tables, nearest[:, None], axis=1)[:, 0]
        result[:, i] = np.where(held[:, i], 0.0, chosen)
        error = (free[:, i] - result[:, i]) / factor[:, i, i]
        free[:, i + 1 :] -= error[:, None] * factor[:, i, i + 1 :]
    values = np.empty_like(result)
    np.put_along_axis(values, order, result, axis=1)
    return values
