# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A window for ``render_mode='human'``, where pygame is installed and there is a display."""

from __future__ import annotations

import os
import sys
from typing import Any

from rl_bridge.errors import ConfigError
from rl_bridge.textbook.canvas import Picture


def require_window() -> Any:
    """
    Return pygame.

    :raises ConfigError: it is not installed, or there is no display to show a window on.
    """
    instead = "Use render_mode='rgb_array' instead"
    try:
        import pygame
    except ImportError as error:
        raise ConfigError(
            f"render_mode 'human' needs pygame, which is not installed. {instead}, or install "
            'pygame.'
        ) from error
    named = ('DISPLAY', 'WAYLAND_DISPLAY', 'SDL_VIDEODRIVER')
    if sys.platform == 'linux' and not any(os.environ.get(name) for name in named):
        raise ConfigError(
            f"render_mode 'human' needs a display: none of {', '.join(named)} is set. {instead}."
        )
    return pygame


def has_window() -> bool:
    """Return whether a window can be shown here."""
    try:
        require_window()
    except ConfigError:
        return False
    return True


class Window:
    """
    Shows pictures, no faster than they are meant to be seen.

    :param title: of the window.
    :param fps: pictures per second at most.
    :raises ConfigError: there is no pygame or no display.
    """

    def __init__(self, *, title: str, fps: float) -> None:
        self._pygame = require_window()
        self._pygame.display.init()
        self._title = title
        self._fps = fps
        self._screen: Any = None
        self._clock = self._pygame.time.Clock()

    def show(self, picture: Picture) -> None:
        """Show a picture, uint8 of shape (height, width, 3)."""
        pygame = self._pygame
        if self._screen is None:
            self._screen = pygame.display.set_mode((picture.shape[1], picture.shape[0]))
            pygame.display.set_caption(self._title)
        pygame.event.pump()
        pygame.surfarray.blit_array(self._screen, picture.swapaxes(0, 1))
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()
