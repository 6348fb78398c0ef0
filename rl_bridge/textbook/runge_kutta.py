# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""Numerical integration of x' = f(x)."""

from __future__ import annotations

from collections.abc import Callable

from rl_bridge.types import FloatArray


def runge_kutta_4(
    rate: Callable[[FloatArray], FloatArray], state: FloatArray, step_s: float
) -> FloatArray:
    """
    Advance a state by one step of the classical fourth-order Runge-Kutta method.

    Its error per unit of time falls with the fourth power of the step; explicit Euler's, with
    which textbook code often integrates oscillators, falls with the first and adds energy.
    Source: W. Kutta, Zeitschrift für Mathematik und Physik 46, 1901.

    :param rate: gives the state's derivative, 1/s.
    :param state: shape (n,).
    :param step_s: s.
    """
    first = rate(state)
    second = rate(state + 0.5 * step_s * first)
    third = rate(state + 0.5 * step_s * second)
    fourth = rate(state + step_s * third)
    return state + step_s / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)
