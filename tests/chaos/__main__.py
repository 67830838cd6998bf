"""`make chaos`: so many kills at random moments, and the count of what was lost, doubled or changed by them."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.run import chaos


def main() -> int:
    """Run it and print the figures; 1 when anything was lost, doubled or differs."""
    line = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    line.add_argument("--kills", type=int, default=200, help="how many (200)")
    line.add_argument(
        "--pause", type=float, default=2.0, help="seconds between two, on average (2)"
    )
    line.add_argument("--seed", type=int, default=int(time.time()), help="repeats the same draws")
    options = line.parse_args()
    server = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory(prefix="steward-chaos-") as folder:
        verdict = chaos(Path(folder), options.kills, options.pause, options.seed, server)
    print(verdict.as_text())
    return int(not verdict.clean)


if __name__ == "__main__":
    sys.exit(main())
