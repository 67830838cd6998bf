"""Sends mails."""

from __future__ import annotations

from typing import Any

from app.engine import mails
from app.engine.job import Run


def run(run: Run) -> dict[str, Any]:
    """Send the mail `mail`; see `app.engine.mails` for what happens when it is run again."""
    return mails.send(run)
