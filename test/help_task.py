# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A task that needs somebody to put something back, as often as its reset option says."""

from __future__ import annotations

from typing import Any

from truth_task import Sway

from rl_bridge.errors import RobotNotReady
from rl_bridge.types import StopReason


class Fetch(Sway):
    """The reset option ``missing``: how many times a person has to put the cube back."""

    _asked = 0

    def reset(self, *, options: Any, **arguments: Any) -> Any:
        if self._asked < int(options.get('missing', 0)):
            self._asked += 1
            raise RobotNotReady('Put the cube back.', StopReason.ENV_FAILED)
        self._asked = 0
        return super().reset(options=options, **arguments)
