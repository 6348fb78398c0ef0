# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""The command ``rl_bridge``: start the robot side or the demo, check a robot, events, halt, ..."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from collections.abc import Sequence

from rl_bridge.errors import RlBridgeError
from rl_bridge.processes import RobotSide


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command.

    :param arguments: by default those of the command line.
    :return: the exit code.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    # A terminated command ends its processes as an interrupted one does.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code: int = options.run(options)
        return code
    except RlBridgeError as error:
        print(f'rl_bridge: {error}', file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(
            f'rl_bridge: this needs the Python module {error.name}: source ROS 2, or install '
            "'rl_bridge[all]'",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='rl_bridge', description='Any ROS 2 robot as a Gymnasium environment.'
    )
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    up = commands.add_parser(
        'up',
        help='start guard, bridge and simulated arm until Ctrl-C, as robot_env.launch.py does',
    )
    up.add_argument('--namespace', default='', help='ROS namespace of all nodes')
    up.add_argument(
        '--params-file', default='', help='parameters; by default config/robot_env.yaml'
    )
    up.add_argument('--no-sim', action='store_true', help="a real robot's driver runs already")
    up.add_argument(
        '--no-guard', action='store_true', help='only for hosted environments that move nothing'
    )
    up.add_argument('--log-level', default='info')
    up.add_argument(
        '-p',
        '--parameter',
        action='append',
        default=[],
        metavar='NAME:=VALUE',
        help='a parameter of the bridge',
    )
    up.set_defaults(run=_up)
    demo = commands.add_parser(
        'demo', help='start a simulated arm, step it, kill the client, show the halt'
    )
    demo.add_argument('--out', default='out', help='folder for the plot and the picture')
    demo.add_argument('--episodes', type=int, default=3, help='episodes of each kind of client')
    demo.add_argument('--joints', type=int, choices=(2, 6), default=2)
    demo.set_defaults(run=_demo)
    events = commands.add_parser('events', help='list recorded stops and recoveries')
    events.add_argument(
        'path',
        nargs='*',
        help='event logs, or folders of them; by default those of ~/.ros/rl_bridge/events',
    )
    events.add_argument('--json', action='store_true', help='one JSON object a line')
    events.add_argument('--last', type=_positive, default=0, metavar='N', help='only the newest N')
    events.set_defaults(run=_events)
    check = commands.add_parser(
        'check', help='check a robot file, and with --live the robot itself; nothing moves'
    )
    check.add_argument('robot_file', help='the file, or the name of a shipped one: ur5e.yaml')
    check.add_argument(
        '--live', action='store_true', help='listen to the robot: rates, ages, what is missing'
    )
    check.add_argument('--seconds', type=_seconds, default=3.0, help='to listen; by default 3')
    check.add_argument('--namespace', default='', help="ROS namespace of the robot's driver")
    check.set_defaults(run=_check)
    halt = commands.add_parser('halt', help='bring the robot to rest, until a reset')
    recover = commands.add_parser(
        'recover', help='clear a fault, once somebody has looked at the robot; then reset'
    )
    recover.add_argument(
        '--secret-file',
        default='',
        help="the bridge's secret; by default that of RL_BRIDGE_SECRET_FILE or RL_BRIDGE_SECRET",
    )
    for command, run in ((halt, _halt), (recover, _recover)):
        command.add_argument('bridge', nargs='?', default='/robot_env', help="its node's name")
        command.set_defaults(run=run)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is no whole number above 0')
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f'{text!r} is no time in seconds above 0')
    return seconds


def _up(options: argparse.Namespace) -> int:
    parameters = {}
    for text in options.parameter:
        name, sign, value = text.partition(':=')
        if not sign or not name:
            print(f'rl_bridge: --parameter {text!r} is not NAME:=VALUE', file=sys.stderr)
            return 2
        parameters[name] = value
    side = RobotSide(
        namespace=options.namespace,
        params_file=options.params_file,
        simulated=not options.no_sim,
        guarded=not options.no_guard,
        parameters=parameters,
        log_level=options.log_level,
    )
    with side:
        ended = side.wait()
    for name, code in ended.items():
        print(f'rl_bridge: {name} ended with exit code {code}, so all were ended', file=sys.stderr)
    return 1


def _demo(options: argparse.Namespace) -> int:
    from rl_bridge.demo import run

    return run(out=options.out, episodes=options.episodes, joints=options.joints)


def _events(options: argparse.Namespace) -> int:
    from rl_bridge.event_table import show

    return show(options.path, last=options.last, as_json=options.json)


def _check(options: argparse.Namespace) -> int:
    from rl_bridge.check import check

    return check(
        options.robot_file,
        live=options.live,
        seconds=options.seconds,
        namespace=options.namespace,
    )


def _halt(options: argparse.Namespace) -> int:
    from rl_bridge.operator_node import halt

    print(f'rl_bridge: {halt(options.bridge)}')
    return 0


def _recover(options: argparse.Namespace) -> int:
    from rl_bridge.operator_node import recover

    print(f'rl_bridge: {recover(options.bridge, secret_file=options.secret_file)}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
