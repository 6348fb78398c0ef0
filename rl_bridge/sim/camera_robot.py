# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""A simulated arm with a camera beside it, in the same process and in lock-step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rl_bridge.pinhole import pinhole
from rl_bridge.sim.camera import CAMERA, ArmCamera, Image, camera_sensor
from rl_bridge.sim.in_process_robot import SimulatedRobot, ur5e_description
from rl_bridge.types import Reading, RobotState


class SimulatedCameraRobot(SimulatedRobot):
    """
    A simulated arm in lock-step with a camera beside it: ``RobotState.sensors['camera']``.

    A picture shows the arm where it is when the state is read; a camera's delay is not simulated.

    :param width: of the pictures, pixels.
    :param height: of the pictures, pixels.
    :param view: where the camera is: any of ``eye_m``, ``look_at_m`` and ``focal`` of ``Pinhole``.
    :param interface: 'velocity' or 'position'.
    :raises ConfigError: a value cannot be used, or MuJoCo is not installed.
    """

    def __init__(
        self,
        *,
        width: int,
        height: int,
        view: Mapping[str, object] | None = None,
        interface: str = 'velocity',
    ) -> None:
        arm = ur5e_description()
        camera = pinhole(width, height, view)
        sensors = {CAMERA: camera_sensor(camera)}
        super().__init__(interface=interface, description=replace(arm, sensors=sensors))
        assert arm.dh is not None
        self._camera = ArmCamera(camera, dh=arm.dh)
        self._drawn: tuple[bytes, Image] | None = None

    def state(self) -> RobotState:
        """Return the measured state, with a picture of it."""
        state = super().state()
        pose = state.position.tobytes()
        if self._drawn is None or self._drawn[0] != pose:
            self._drawn = (pose, self._camera.picture(state.position))
        reading = Reading(self._drawn[1], state.stamp_ns, state.stamp_ns)
        return replace(state, sensors={CAMERA: reading})
