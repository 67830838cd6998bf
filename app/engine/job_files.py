"""Files that jobs made: who may still have them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.adapters.database import now
from app.engine.adapters.storage import FileGone
from app.engine.errors import NotAllowed
from app.engine.job import Job
from app.engine.registry import current


def still_allowed(job: Job) -> None:
    """Raises FileGone past the job's time, NotAllowed where a right it was made with is gone."""
    result = job.result or {}
    if job.keep_until is not None and job.keep_until < now():
        raise FileGone(str(result.get("file")))
    parts = result.get("parts") or [{"entity": result["entity"], "fields": result["fields"]}]
    viewer = policy.current_viewer()
    for part in parts:
        definition = current().entity(part["entity"])
        for action in ("read", "export"):
            if not viewer.can(definition.name, action):
                raise NotAllowed(
                    _(
                        "The right to export %(entities)s was taken from you.",
                        entities=definition.plural,
                    )
                )
        known = {field.name for field in policy.known(definition)}
        if not known.issuperset(part["fields"]):
            raise NotAllowed(_("The file holds fields that you may not see any more."))
