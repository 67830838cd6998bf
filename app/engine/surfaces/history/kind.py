"""Taking back a large change set as a kind of job."""

from __future__ import annotations

import datetime

from flask_babel import lazy_gettext as _

from app.engine.job import JobKind, declare

UNDO = declare(JobKind("undo", _("Undo"), limit=datetime.timedelta(hours=12)))
