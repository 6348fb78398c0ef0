# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the textbook environments share: episodes, checked actions and pictures."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium import logger, spaces

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.textbook.canvas import Canvas, Picture
from rl_bridge.textbook.window import Window, has_window, require_window
from rl_bridge.types import FloatArray

Step = tuple[Any, float, bool, bool, dict[str, Any]]


class TextbookEnv(gymnasium.Env[Any, Any]):
    """
    Base of the textbook environments.

    ``truncated`` is never set here: time limits are Gymnasium's TimeLimit, which the registered
    ids have. ``terminated`` always means that the task itself has ended.

    :param render_mode: None, 'rgb_array' or 'human'.
    :param fps: steps per second of the simulated world.
    :raises ConfigError: there is no such render mode, or no window for 'human'.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  (Gymnasium declares it as an instance variable)
        'render_modes': ['human', 'rgb_array'],
    }

    def __init__(self, *, render_mode: str | None, fps: float) -> None:
        if render_mode is not None and render_mode not in self.metadata['render_modes']:
            raise ConfigError(
                f'render_mode is {render_mode!r}; use None, '
                f'{" or ".join(map(repr, self.metadata["render_modes"]))}.'
            )
        if render_mode == 'human':
            require_window()
        self.render_mode = render_mode
        # The class tells what it knows, an environment what can be shown on this machine.
        modes = [mode for mode in self.metadata['render_modes'] if mode != 'human' or has_window()]
        self.metadata = {'render_modes': modes, 'render_fps': max(1, round(fps))}
        self._window: Window | None = None
        self._running = False

    def draw(self) -> Canvas:
        """Return a drawing of the present state."""
        raise NotImplementedError

    def render(self) -> Any:
        """Return a picture, uint8 of shape (height, width, 3); None without 'rgb_array'."""
        if self.render_mode is None:
            logger.warn(
                'render was called without a render mode; make the environment with '
                "render_mode='rgb_array'."
            )
            return None
        picture: Picture = self.draw().picture()
        if self.render_mode == 'rgb_array':
            return picture
        if self._window is None:
            title, fps = type(self).__name__, self.metadata['render_fps']
            self._window = Window(title=title, fps=fps)
        self._window.show(picture)
        return None

    def close(self) -> None:
        """Close the window, if there is one; idempotent."""
        self._running = False
        if self._window is not None:
            self._window.close()
            self._window = None

    def _begun(self) -> None:
        """Note that an episode has begun, and show it."""
        self._running = True
        if self.render_mode == 'human':
            self.render()

    def _stepped(self, *, terminated: bool) -> None:
        """Note that a step was made, and show it."""
        self._running = not terminated
        if self.render_mode == 'human':
            self.render()

    def _require_episode(self) -> None:
        if not self._running:
            raise gymnasium.error.ResetNeeded('No episode is running: call reset first.')

    def _choice(self, action: Any) -> int:
        """
        Return a checked action of a Discrete space.

        :raises LimitError: it is not in the space.
        """
        assert isinstance(self.action_space, spaces.Discrete)
        if isinstance(action, np.ndarray) and action.shape == () and action.dtype.kind in 'iu':
            action = action.item()
        if not self.action_space.contains(action):
            raise LimitError(
                f'the action is {action!r}; it must be a whole number from 0 to '
                f'{self.action_space.n - 1}.'
            )
        return int(action)

    def _share(self, action: Any) -> FloatArray:
        """
        Return a checked action of a Box from -1 to 1, as float64.

        :raises LimitError: it has another shape, is not finite or lies outside.
        """
        shape = self.action_space.shape
        try:
            values = np.asarray(action, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise LimitError(f'the action {action!r} is not made of numbers.') from error
        if values.shape != shape or not (np.abs(values) <= 1.0).all():  # NaN is not <= 1
            raise LimitError(
                f'the action is {action!r}; it must be of shape {shape} with values from -1 to 1.'
            )
        return values


def within(space: spaces.Space[Any], values: Any) -> Any:
    """Return values as a Box's float32, saturated at its bounds as a sensor does."""
    assert isinstance(space, spaces.Box)
    return np.clip(np.asarray(values, dtype=np.float32), space.low, space.high)


def symmetric(*bounds: float) -> spaces.Box:
    """Return a float32 Box from minus to plus the bounds, none rounded inwards."""
    high = np.array(bounds, dtype=np.float64)
    rounded = high.astype(np.float32)
    short = rounded.astype(np.float64) < high
    rounded[short] = np.nextafter(rounded[short], np.float32(np.inf))
    return spaces.Box(-rounded, rounded, dtype=np.float32)


def require_positive(**values: float) -> None:
    """
    Check keyword arguments.

    :raises ConfigError: one is not a finite number above 0; the sentence names it.
    """
    for name, value in values.items():
        if not (_is_number(value) and value > 0):
            raise ConfigError(f'{name} is {value!r}; a finite number above 0 is needed.')


def require_not_negative(**values: float) -> None:
    """
    Check keyword arguments.

    :raises ConfigError: one is not a finite number of at least 0; the sentence names it.
    """
    for name, value in values.items():
        if not (_is_number(value) and value >= 0):
            raise ConfigError(f'{name} is {value!r}; a finite number of at least 0 is needed.')


def _is_number(value: object) -> bool:
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return known and math.isfinite(float(value))  # type: ignore[arg-type]
