#!/usr/bin/python3
"""Kills the manager many times while two programs write a lot, and tells what that costs. Not part of ./test.

  tests/soak/log_kills.py [MEGABYTES [KILLS]]      (default: 1024 50, some two minutes)

STRIP_ANSI=1 has the output filtered. Exit status 0 when no line is lost, doubled or torn.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from support import log_kills  # noqa: E402
from support.box import Box  # noqa: E402


def main():
    megabytes, kills = (int(text) for text in (sys.argv[1:] + ["1024", "50"][len(sys.argv) - 1:])[:2])
    box = Box()
    began = time.monotonic()
    try:
        accounts, hits = log_kills.run(box, megabytes=megabytes, kills=kills, tell=print,
                                       supervisord="strip_ansi=true" if os.environ.get("STRIP_ANSI") else "")
    finally:
        box.close()
    print(f"{megabytes} MiB, {kills} kills ({hits} times in the middle of a program's output), "
          f"{time.monotonic() - began:.0f} s")
    for name, account in accounts.items():
        print(f"{name}: {account}")
    return 0 if all(account.clean for account in accounts.values()) else 1


sys.exit(main())
