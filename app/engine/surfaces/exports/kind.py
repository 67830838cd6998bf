"""Exports as a kind of job."""

from __future__ import annotations

import datetime

from flask_babel import lazy_gettext as _

from app.engine.job import JobKind, declare

EXPORT = declare(
    JobKind("export", _("Export"), queue="bulk", limit=datetime.timedelta(hours=6), repeatable=True)
)
