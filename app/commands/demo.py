"""`run.py demo`: puts demonstration data in, or takes it away."""

from __future__ import annotations

import argparse
from typing import Any

from app.commands import terminal
from config import Settings
from seeds import demo


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Do what the options say; returns the exit code."""
    with terminal.session(settings), terminal.problems_told():
        if options.remove:
            report: dict[str, Any] = demo.remove().as_json()
            if not options.json:
                left = [f"{one['title']}: {one['why']}" for one in report["left"]]
                report = {**report["removed"], "kept": report["kept"], "left": left}
        else:
            report = dict(demo.add(demo.SIZES[options.size]))
        if options.passwords:
            report["passwords"] = dict(demo.people.give_passwords())
        terminal.show(report, options.json)
    return 0
