# Copyright 2026 rl_bridge developers
# SPDX-License-Identifier: Apache-2.0
"""
The decoders under atheris, which looks for new ways through the code; a program of its own.

    python -m benchmarks.fuzzing.coverage RUNS SEED FOLDER

Where atheris is to be had is found out by ``benchmarks.fuzz``, which starts this.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> int:
    """Run; prints one JSON object: how many inputs were decoded, and how many were taken."""
    import atheris

    with atheris.instrument_imports(include=['rl_bridge.wire']):
        from benchmarks.fuzzing import decoders
    runs, seed = int(sys.argv[1]), int(sys.argv[2])
    names = sorted(decoders.SPACES)
    done = {'inputs': 0, 'taken': 0}
    begin_s = time.monotonic()

    def decode(data: bytes) -> None:
        read = atheris.FuzzedDataProvider(data)
        kind = read.ConsumeIntInRange(0, 3)
        done['inputs'] += 1
        if kind == 0:
            name = names[read.ConsumeIntInRange(0, len(names) - 1)]
            numbers = read.ConsumeFloatList(read.ConsumeIntInRange(0, 8))
            texts = [read.ConsumeUnicode(6) for _ in range(read.ConsumeIntInRange(0, 2))]
            done['taken'] += decoders.decode_action(name, numbers, texts)
        elif kind == 1:
            name = names[read.ConsumeIntInRange(0, len(names) - 1)]
            leaves = [
                decoders.leaf_of(read.ConsumeFloatList(read.ConsumeIntInRange(0, 4)),
                                 read.ConsumeIntListInRange(3, -(2**63), 2**63 - 1),
                                 read.ConsumeBytes(6), read.ConsumeUnicode(6),
                                 read.ConsumeIntInRange(0, 3))
                for _ in range(read.ConsumeIntInRange(0, 4))
            ]  # fmt: skip
            done['taken'] += decoders.decode_observation(name, leaves)
        else:
            text = read.ConsumeUnicode(read.remaining_bytes())
            done['taken'] += decoders.decode_json('specs' if kind == 2 else 'info', text)
        if done['inputs'] == runs:
            # libFuzzer ends the process by itself and would print nothing of ours.
            print(json.dumps({**done, 'seconds': time.monotonic() - begin_s}), flush=True)
            os._exit(0)

    where = f'-artifact_prefix={sys.argv[3]}/'
    words = [sys.argv[0], f'-seed={seed}', '-max_len=600', '-verbosity=0', where]
    atheris.Setup(words, decode)
    atheris.Fuzz()
    return 1


if __name__ == '__main__':
    sys.exit(main())
