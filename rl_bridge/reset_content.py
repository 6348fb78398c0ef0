# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""What a reset carries for the environment, checked before anybody decides on it."""

from __future__ import annotations

from typing import Any

from rl_bridge.errors import WireError, clause
from rl_bridge.types import Status, StatusCode
from rl_bridge.wire import info_from_json


def reset_content(request: Any, *, specs_hash: str) -> tuple[dict[str, Any] | None, Status | None]:
    """
    Return the reset's options, and what is wrong with the request.

    :param request: fields of ``ResetRequest``.
    :param specs_hash: of the bridge's specs.
    """
    if request.specs_hash and request.specs_hash != specs_hash:
        return None, Status(
            StatusCode.SPECS_CHANGED,
            f'the client was built for specs {request.specs_hash:.12}, the bridge has '
            f'{specs_hash:.12}; make a new client',
        )
    if request.has_seed and request.seed < 0:
        return None, Status(
            StatusCode.MALFORMED,
            f'seed {request.seed} is negative; Gymnasium takes 0 and above',
        )
    try:
        return (info_from_json(request.options) if request.options else None), None
    except WireError as error:
        return None, Status(StatusCode.MALFORMED, f'options: {clause(error)}')
