"""What is wrong with the audit log, for the first page of those who run the system."""

from __future__ import annotations

import datetime

from flask_babel import ngettext
from sqlalchemy import func, select

from app.engine import attention, policy
from app.engine.adapters.database import db, now
from app.engine.audit.models import AuditEntry

PATIENCE = datetime.timedelta(minutes=5)
"""The scheduler seals every few seconds."""


def amiss(viewer: policy.Viewer) -> list[attention.Item]:
    """Entries that should have been sealed into the chain by now."""
    unsealed = db.session.scalar(
        select(func.count(AuditEntry.id)).where(
            AuditEntry.position.is_(None), AuditEntry.at < now() - PATIENCE
        )
    )
    if not unsealed:
        return []
    text = ngettext(
        "%(num)s entry of the audit log is not sealed",
        "%(num)s entries of the audit log are not sealed",
        unsealed,
    )
    href = "/audit/" if viewer.can(policy.AUDIT, "read") else "/schedules/"
    return [attention.Item(text, href, "clipboard-list", "bad")]
