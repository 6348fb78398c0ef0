# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What leaves the guard is looked at once more, whatever happened before."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rl_bridge.errors import LimitError
from rl_bridge.robot_file import load_robot
from rl_bridge.safety.guard_state import GuardConfig, GuardMemory, Measured
from rl_bridge.safety.motion import Motion

MS = 1_000_000


def motion(kind: str) -> Motion:
    memory = GuardMemory(load_robot('ur5e.yaml'), kind, GuardConfig())
    memory.measured = Measured(np.zeros(6), np.zeros(6), 0.0, 1000 * MS)
    return Motion(memory)


@pytest.mark.parametrize('kind', ['velocity', 'position'])
@pytest.mark.parametrize('value', [math.nan, math.inf, -7.0])
def test_nothing_unsafe_passes_the_last_gate(kind: str, value: float) -> None:
    gate = motion(kind)
    gate.seed(1000 * MS, keep=False)
    gate.aim(np.full(6, value))  # as if no check had been made before
    with pytest.raises(LimitError):
        for i in range(200_000):
            gate.advance((1000 + 5 * i) * MS)
            gate.release((1000 + 5 * i) * MS, repeat=True)


def test_a_late_update_does_not_turn_into_one_large_step() -> None:
    gate = motion('velocity')
    gate.seed(1000 * MS, keep=False)
    gate.release(1000 * MS, repeat=False)
    gate.aim(np.ones(6))
    gate.advance(1050 * MS)
    output = gate.release(1050 * MS, repeat=False)
    assert output is not None
    np.testing.assert_allclose(output, 3.0 * 0.01)


def test_without_a_fresh_position_nothing_is_handed_out_unless_the_last_one_is_kept() -> None:
    gate = motion('position')
    gate.seed(2000 * MS, keep=True)
    assert gate.release(2000 * MS, repeat=True) is None
    gate.seed(1000 * MS, keep=False)
    gate.seed(2000 * MS, keep=True)
    assert gate.release(2000 * MS, repeat=False) is not None
    gate.seed(2000 * MS, keep=False)
    assert gate.release(2000 * MS, repeat=True) is None
