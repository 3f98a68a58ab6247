#!/usr/bin/python3
"""Kills the manager many times while programs do all that programs do, and checks what that costs. Not part of ./test.

  tests/soak/manager_kills.py [KILLS [SEED]]      (default: 300, some eight minutes)

Exit status 0 when nothing is missed, done twice, late or restarted without need.
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from support import manager_kills  # noqa: E402
from support.box import Box  # noqa: E402


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    box = Box()
    began = time.monotonic()
    try:
        report = manager_kills.run(box, kills=kills, seed=seed, tell=lambda text: print(text, flush=True))
    finally:
        box.close()
    print(f"{time.monotonic() - began:.0f} s\n{report}")
    return 1 if report.problems else 0


sys.exit(main())
