"""`run.py verify-archive`."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.commands import terminal
from app.engine.archives import proof
from config import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Verify register, rows, files and packages; exit code 1 where something was found."""
    with terminal.session(settings), terminal.problems_told():
        report = proof.verify(options.heads)
        if options.json:
            terminal.show({**asdict(report), "sound": report.sound}, as_json=True)
        else:
            for finding in report.findings:
                print(finding)
            said = asdict(report)
            del said["findings"]
            terminal.show(said, as_json=False)
    return 0 if report.sound else terminal.REFUSED
