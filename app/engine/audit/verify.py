#!/usr/bin/env python3
"""Verifies an audit log without the application: this file needs Python alone, and may be copied.

    python verify.py LOG.jsonl [HEADS …] [--part]

LOG.jsonl is the log as `run.py export-audit` writes it, one entry a line, in the order of the chain.
HEADS are files of heads that were written outside the database, or folders of them. `--part`: the log
is a selection, so entries may be missing between others. Exit code 0: nothing was found; 1: findings,
one a line; 2: a file can't be read.

An entry's hash is the SHA-256 of its canonical JSON (keys sorted, ASCII, no blanks) without `hash`;
`previous` inside it is the hash of the entry before, so that each entry vouches for all before it.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GENESIS = "0" * 64
"""What the first entry has for the hash before it."""

PURGED = "audit.purged"
"""Kind of the entry by which the retention purge says up to where it has deleted."""

MOST_FINDINGS = 100

_LATE = datetime.timedelta(days=31)


def digest(entry: Mapping[str, Any]) -> str:
    """The hash of an entry, `position` and `previous` included."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass
class Verdict:
    """What came of it: how many entries, up to where, and everything that is not as it should be."""

    entries: int = 0
    first: int | None = None
    last: int | None = None
    head: str | None = None
    heads_met: int = 0
    found: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.found

    def note(self, finding: str) -> None:
        """One more; of very many the first are kept."""
        self.found += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)


def verify(
    entries: Iterable[Mapping[str, Any]],
    heads: Iterable[Mapping[str, Any]] = (),
    part: bool = False,
) -> Verdict:
    """Walk the chain once, at constant memory but for the heads and what purges have said."""
    verdict = Verdict()
    wanted: dict[int, set[str]] = {}
    written: dict[int, datetime.datetime] = {}
    for head in heads:
        position = int(head["position"])
        wanted.setdefault(position, set()).add(str(head["hash"]))
        if "at" in head:
            at = _moment(head["at"])
            written[position] = min(at, written.get(position, at))
    start: tuple[int, str] | None = None
    checkpoints: set[tuple[int, str]] = set()
    for entry in entries:
        position, shown = int(entry["position"]), str(entry["hash"])
        if start is None:
            start = (position - 1, str(entry["previous"]))
            verdict.first = position
        else:
            _compare(verdict, entry, part)
        if digest(entry) != shown:
            verdict.note(f"entry {position} was changed: its content does not fit its hash")
        known = wanted.pop(position, set())
        verdict.heads_met += shown in known
        if known - {shown}:
            verdict.note(f"entry {position} is not the one whose hash was written down outside")
        if entry["kind"] == PURGED:
            said = entry["details"]
            checkpoints.add((int(said["through"]), str(said["hash"])))
            _check_age(verdict, entry, written)
        verdict.entries, verdict.last, verdict.head = verdict.entries + 1, position, shown
    if not part:
        _check_ends(verdict, start, checkpoints, wanted)
    return verdict


def _compare(verdict: Verdict, entry: Mapping[str, Any], part: bool) -> None:
    """Whether the entry follows the one before it."""
    position, expected = int(entry["position"]), (verdict.last or 0) + 1
    if position > expected:
        if not part:
            verdict.note(f"entries {expected} to {position - 1} are missing")
    elif position < expected:
        verdict.note(f"entry {position} stands where {expected} should")
    elif entry["previous"] != verdict.head:
        verdict.note(f"entry {position} does not follow the entry before it")


def _moment(text: str) -> datetime.datetime:
    """With its zone; 3.10 and before know no Z."""
    return datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))  # noqa: FURB162


def _check_age(
    verdict: Verdict, entry: Mapping[str, Any], written: Mapping[int, datetime.datetime]
) -> None:
    """Whether a purge took only what was old: a head says when its entry was there already.

    A month too soon is let pass, since a head can be written late.
    """
    through, years = int(entry["details"]["through"]), int(entry["details"].get("years", 0))
    before = _moment(entry["at"]) - years * datetime.timedelta(days=365) + _LATE
    young = [position for position, at in written.items() if position <= through and at > before]
    if young:
        verdict.note(
            f"entry {entry['position']} purged up to {through}, but {max(young)} was younger than"
            f" {years} years, as was written down outside"
        )


def _check_ends(
    verdict: Verdict,
    start: tuple[int, str] | None,
    checkpoints: set[tuple[int, str]],
    wanted: Mapping[int, set[str]],
) -> None:
    """Whether the log begins where it may, and reaches as far as the heads say."""
    if start is not None and start != (0, GENESIS) and start not in checkpoints:
        verdict.note(f"the log begins at {start[0] + 1}, and no purge says that it may")
    last = verdict.last or 0
    beyond = [position for position in wanted if position > last]
    if beyond:
        verdict.note(f"the log ends at {last}, but {max(beyond)} was written down outside: cut off")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON documents of a file, one a line; of a folder, those of all its files."""
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield json.loads(line)


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    line = argparse.ArgumentParser(description="Verify an audit log that was exported as JSONL.")
    line.add_argument("log", type=Path)
    line.add_argument("heads", type=Path, nargs="*")
    line.add_argument("--part", action="store_true", help="the log is a selection")
    given = line.parse_args(arguments)
    try:
        heads = [head for path in given.heads for head in read_lines(path)]
        verdict = verify(read_lines(given.log), heads, given.part)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"can't be read: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    for finding in verdict.findings:
        print(finding)
    if verdict.found > len(verdict.findings):
        print(f"… {verdict.found - len(verdict.findings)} more")
    print(
        f"{verdict.entries} entries ({verdict.first or 0} to {verdict.last or 0}), "
        f"{verdict.heads_met} heads met, {verdict.found} findings; head {verdict.head or GENESIS}"
    )
    return 0 if verdict.sound else 1


if __name__ == "__main__":
    sys.exit(main())
