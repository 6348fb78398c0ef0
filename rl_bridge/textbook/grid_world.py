# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A world of squares: walls, pits and a goal."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from rl_bridge.errors import ConfigError, LimitError
from rl_bridge.textbook import canvas
from rl_bridge.textbook.textbook_env import Step, TextbookEnv, require_not_negative

LAYOUT = ('S....', '.#.#.', '...P.', '.#.#.', '....G')
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left: rows grow downwards


class GridWorld(TextbookEnv):
    """
    Walk to the goal, one square a step, around walls and pits.

    Observation: the square's number, row · columns + column. Action: 0 up, 1 right, 2 down,
    3 left. With probability ``slip`` the walker goes to the left or to the right of where it was
    sent, half of it each. A wall or the edge stops it where it stands. Reward: ``step_reward``
    for each step that ends on a plain square, ``goal_reward`` at a goal, ``pit_reward`` in a pit;
    the latter two end the episode. Rewards and slipping as in S. Russell and P. Norvig,
    Artificial Intelligence, chapter "Making complex decisions" (-0.04, +1, -1, 0.2 in all); there
    on 4 x 3 squares, here by default on 5 x 5 and without slipping.

    What textbook code often gets wrong, and this does not:

    - walls off by one: the edge is checked after the move with ``> size`` or ``% size``, so that
      the walker leaves the grid or comes back at the other side. Here no move leaves it;
    - the time limit returned as ``done``, which a learner takes for a worthless state. Here only
      goal and pit terminate, and the time limit (TimeLimit, 100 steps) truncates;
    - the reward taken from the square that is left. Here it is that of the square entered;
    - two random generators, one unseeded. Here ``np_random`` draws everything.

    :param layout: rows of text of one length: S start (several: one is drawn), G goal, P pit,
        # wall, . plain.
    :param slip: probability of going astray, 0 to 1.
    :param step_reward: for each other step.
    :param goal_reward: for reaching a goal.
    :param pit_reward: for falling into a pit.
    :param render_mode: None, 'rgb_array' or 'human'.
    :raises ConfigError: the layout cannot be used: the sentence names what is wrong.
    """

    def __init__(
        self,
        *,
        layout: Sequence[str] = LAYOUT,
        slip: float = 0.0,
        step_reward: float = -0.04,
        goal_reward: float = 1.0,
        pit_reward: float = -1.0,
        render_mode: str | None = None,
    ) -> None:
        super().__init__(render_mode=render_mode, fps=5)
        require_not_negative(slip=slip)
        if slip > 1.0:
            raise ConfigError(f'slip is {slip}; a probability from 0 to 1 is needed.')
        self.layout = _checked(layout)
        self.rows, self.columns = len(self.layout), len(self.layout[0])
        self._squares = ''.join(self.layout)
        self._starts = [i for i, kind in enumerate(self._squares) if kind == 'S']
        self._slip = float(slip)
        self._rewards = {'G': float(goal_reward), 'P': float(pit_reward)}
        self._step_reward = float(step_reward)
        for start in self._starts:
            if not self._reaches_goal(start):
                row, column = divmod(start, self.columns)
                raise ConfigError(
                    f'layout: no goal can be reached from the start in row {row}, column {column}.'
                )
        self.observation_space = spaces.Discrete(len(self._squares))
        self.action_space = spaces.Discrete(len(MOVES))
        self.state = self._starts[0]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """
        Go to a start.

        :param options: ``{'state': n}`` begins on square n, which must be plain or a start.
        :raises LimitError: there is no such square to begin on.
        """
        super().reset(seed=seed)
        self.state = self._starts[int(self.np_random.integers(len(self._starts)))]
        if options and 'state' in options:
            wanted = options['state']
            if not self.observation_space.contains(wanted) or self._squares[wanted] not in '.S':
                raise LimitError(f"option 'state' is {wanted!r}; it must be a plain square.")
            self.state = int(wanted)
        self._begun()
        return self.state, self._info()

    def step(self, action: Any) -> Step:
        """Go one square."""
        self._require_episode()
        outcomes = self.transitions(self.state, self._choice(action))
        chances = np.cumsum([outcome[0] for outcome in outcomes])
        drawn = int(np.searchsorted(chances, self.np_random.random(), side='right'))
        _, self.state, reward, terminated = outcomes[min(drawn, len(outcomes) - 1)]
        self._stepped(terminated=terminated)
        return self.state, reward, terminated, False, self._info()

    def transitions(self, state: int, action: int) -> list[tuple[float, int, float, bool]]:
        """
        Return what may come of an action: probability, next state, reward, terminated.

        For dynamic programming; ``step`` draws from the same list.
        """
        chances = ((0, 1.0 - self._slip), (-1, self._slip / 2), (1, self._slip / 2))
        found = []
        for turn, chance in chances:
            if chance > 0.0:
                following = self._moved(state, (action + turn) % len(MOVES))
                kind = self._squares[following]
                reward = self._rewards.get(kind, self._step_reward)
                found.append((chance, following, reward, kind in 'GP'))
        return found

    def draw(self) -> canvas.Canvas:
        """Return a drawing: the walker blue, goals green, pits red, walls dark."""
        span = max(self.rows, self.columns)
        drawing = canvas.Canvas(centre=(self.columns / 2, -self.rows / 2), span=span + 0.2)
        colours = {'#': canvas.INK, 'G': canvas.GREEN, 'P': canvas.RED, 'S': canvas.GREY}
        for i, kind in enumerate(self._squares):
            row, column = divmod(i, self.columns)
            colour = colours.get(kind, (1.0, 1.0, 1.0))
            drawing.box((column + 0.5, -row - 0.5), width=0.94, height=0.94, colour=colour)
        row, column = divmod(self.state, self.columns)
        drawing.disc((column + 0.5, -row - 0.5), radius=0.3, colour=canvas.BLUE)
        return drawing

    def _moved(self, state: int, action: int) -> int:
        row, column = divmod(state, self.columns)
        row, column = row + MOVES[action][0], column + MOVES[action][1]
        inside = 0 <= row < self.rows and 0 <= column < self.columns
        if not inside or self.layout[row][column] == '#':
            return state
        return row * self.columns + column

    def _reaches_goal(self, start: int) -> bool:
        seen, waiting = {start}, deque([start])
        while waiting:
            state = waiting.popleft()
            if self._squares[state] == 'G':
                return True
            if self._squares[state] == 'P':
                continue
            new = {self._moved(state, action) for action in range(len(MOVES))} - seen
            seen |= new
            waiting.extend(sorted(new))
        return False

    def _info(self) -> dict[str, Any]:
        row, column = divmod(self.state, self.columns)
        return {'row': row, 'column': column}


def _checked(layout: Sequence[str]) -> tuple[str, ...]:
    rows = (layout,) if isinstance(layout, str) else tuple(layout)
    if not rows or not all(isinstance(row, str) and len(row) == len(rows[0]) > 0 for row in rows):
        raise ConfigError(f'layout must be rows of text of one length, not {layout!r}.')
    squares = ''.join(rows)
    unknown = sorted(set(squares) - set('SGP#.'))
    if unknown:
        raise ConfigError(f'layout: {unknown[0]!r} is unknown; use S, G, P, # and a full stop.')
    for kind, name in (('S', 'start'), ('G', 'goal')):
        if kind not in squares:
            raise ConfigError(f'layout: there is no {name}; mark one with {kind}.')
    return rows
