# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What the figure of the cameras relies on; the figure itself takes minutes."""

from __future__ import annotations

import os
import socket

import pytest

pytest.importorskip('rich', reason='figures print tables')
pytest.importorskip('yaml', reason='robot files need PyYAML')

from benchmarks.camera import JPEG_TOPIC, RAW_TOPIC, _cpu_s, _lost
from rl_bridge.processes import share_file
from rl_bridge.robot_file import load_robot


def test_the_ready_camera_is_the_one_whose_topic_it_exchanges(tmp_path: object) -> None:
    text = share_file('config', 'camera_reach.yaml').read_text(encoding='utf-8')
    assert text.count(RAW_TOPIC) == 1
    file = f'{tmp_path}/jpeg.yaml'
    with open(file, 'w', encoding='utf-8') as exchanged:
        exchanged.write(text.replace(RAW_TOPIC, JPEG_TOPIC))
    sensor = load_robot(file).sensors['camera']
    assert sensor.type == 'sensor_msgs/msg/CompressedImage'
    assert sensor.topic == 'camera/image_raw/compressed'


def test_datagrams_for_which_a_socket_had_no_room_are_counted() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        receiver.bind(('127.0.0.1', 0))
        before = _lost(os.getpid())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(50):
                sender.sendto(bytes(2000), receiver.getsockname())
        assert _lost(os.getpid()) > before


def test_the_processor_time_of_a_process_grows() -> None:
    before = _cpu_s(os.getpid())
    while _cpu_s(os.getpid()) == before:
        sum(range(10_000))
    assert 0.0 < _cpu_s(os.getpid()) - before < 5.0
