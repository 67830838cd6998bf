"""`run.py verify-audit` and `export-audit`."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from app.commands import terminal
from app.engine import audit
from app.engine.audit import reading
from config import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Verify, or export; exit code 1 where something was found."""
    with terminal.session(settings), terminal.problems_told():
        if options.command == "export-audit":
            audit.seal()
            number = reading.write_jsonl(options.out)
            audit.record("audit.exported", details={"format": "jsonl", "entries": number})
            terminal.show({"file": str(options.out), "entries": number}, options.json)
            return 0
        verdict = reading.verdict(options.heads)
        if options.json:
            terminal.show({**asdict(verdict), "sound": verdict.sound}, as_json=True)
        else:
            for finding in verdict.findings:
                print(finding)
            report = asdict(verdict)
            del report["findings"]
            terminal.show(report, as_json=False)
    return 0 if verdict.sound else terminal.REFUSED
