"""`run.py search --rebuild`: search entries written anew, beside a server that runs."""

from __future__ import annotations

import argparse
import sys

from app.commands import terminal
from app.engine import indexing, registry
from config import Settings


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Write the entries of one entity, or of all, anew."""
    with terminal.session(settings), terminal.problems_told():
        for name in _wanted(options.rebuild):
            records = indexing.rebuild(name, progress=_tell)
            terminal.show({"entity": name, "records": records}, options.json)
    return 0


def _wanted(name: str) -> list[str]:
    """Every entity that is searched, for an empty name. Raises NotFound."""
    known = registry.current()
    if name:
        return [known.entity(name).name]
    return [entity.name for entity in known.entities.values() if entity.search_index is not None]


def _tell(done: int, total: int) -> None:
    """How far it has come, for somebody who looks on."""
    if sys.stderr.isatty():
        print(f"\r{done:,} / {total:,}", end="\n" if done >= total else "", file=sys.stderr)
