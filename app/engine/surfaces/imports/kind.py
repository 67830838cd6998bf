"""Imports as kinds of jobs: the check that makes the preview, and the run."""

from __future__ import annotations

import datetime

from flask_babel import lazy_gettext as _

from app.engine.job import JobKind, declare

CHECK = declare(JobKind("import.check", _("Check of a file"), limit=datetime.timedelta(hours=1)))
RUN = declare(JobKind("import.run", _("Import"), queue="bulk", limit=datetime.timedelta(hours=12)))
