"""Has a link for a new password mailed."""

from __future__ import annotations

from app.engine.adapters.appbuilder import password_links
from app.engine.job import Run


def run(run: Run) -> None:
    """For the account `user`, when that is one; see `app.engine.adapters.appbuilder.password_links`."""
    user_id = run.arguments["user"]
    password_links.send(int(user_id) if user_id is not None else None)
