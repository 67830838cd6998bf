"""`run.py encrypt`: everything that stands there plainly, or by an earlier key, encrypted with the first."""

from __future__ import annotations

import argparse

from app.commands import keys, terminal
from app.engine.adapters import setup_state, vault
from app.engine.adapters.database import write_transaction
from app.engine.adapters.storage import UNFINISHED, FileGone, store
from app.engine.changes import encryption
from config import Settings, SettingsError


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Encrypt what is not, or not by the first key; interrupted, it goes on where it stopped."""
    if not settings.encryption_keys:
        raise SettingsError("ENCRYPTION_KEYS must be set: the first key encrypts, all are read.")
    with terminal.session(settings), terminal.problems_told():
        while everything(options.json):
            pass  # once more: what was written meanwhile, by a part that began with other keys
        with write_transaction():  # nothing is left that the other keys would have to read
            setup_state.note(keys.NOTED, vault.present().names[0])
    return 0


def everything(as_json: bool) -> int:
    """One passage through all that may be encrypted; how much of it was not."""
    total = 0
    for name, count in [*encryption.passages(), ("files", _files())]:
        total += count
        terminal.show({"encrypted": name, "count": count}, as_json)
    return total


def _files() -> int:
    """Every file in the store."""
    return sum(_sealed(path) for path in store().paths() if not path.endswith(UNFINISHED))


def _sealed(path: str) -> bool:
    try:
        return store().seal(path)
    except FileGone:
        return False
