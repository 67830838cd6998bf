"""The report on a person and their erasure as kinds of jobs."""

from __future__ import annotations

import datetime

from flask_babel import lazy_gettext as _

from app.engine.job import JobKind, declare

REPORT = declare(
    JobKind("personal.report", _("Report on personal data"), limit=datetime.timedelta(hours=1))
)
ERASE = declare(
    JobKind("personal.erase", _("Erasure of personal data"), limit=datetime.timedelta(hours=6))
)
