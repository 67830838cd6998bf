"""Files that jobs made: who may still have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.adapters.database import now
from app.engine.adapters.storage import FileGone
from app.engine.errors import NotAllowed
from app.engine.fields import Field
from app.engine.job import Job
from app.engine.registry import current


def recipients(job: Job) -> list[int]:
    """Who is to be mailed the job's file: the people whom its asker named, else the asker."""
    wanted = job.arguments.get("mail")
    if not wanted:
        return []
    named = [int(user_id) for user_id in wanted.get("to") or ()]
    return named if named or job.asked_by is None else [job.asked_by]


def may_have(job: Job, user_id: int | None) -> None:
    """Raises FileGone or NotAllowed unless that person may have the job's file, now.

    What its asker may see is in it: anybody else must be one to whom they sent it and may see as much.
    """
    asker = policy.NOBODY if job.asked_by is None else policy.viewer_by_id(job.asked_by)
    viewer = policy.NOBODY if user_id is None else policy.viewer_by_id(user_id)
    if viewer.user_id is None or user_id not in (job.asked_by, *recipients(job)):
        raise NotAllowed(_("An export holds what its asker may see; ask for your own."))
    with policy.acting_as(viewer):
        still_allowed(job)
    if user_id != job.asked_by:
        with policy.acting_as(asker):
            still_allowed(job)
        sees_as_much(viewer, asker, _parts(job))


def sees_as_much(
    viewer: policy.Viewer, asker: policy.Viewer, parts: Sequence[Mapping[str, Any]]
) -> None:
    """Raises NotAllowed unless the viewer may see and export whatever the asker may of these tables."""
    for part in parts:
        definition = current().entity(part["entity"])
        # By the condition itself: a scope may follow a reference to records that they may not see.
        rows = all(
            policy.scope_clause(definition, viewer, action) is None for action in ("read", "export")
        )
        fields = [definition.fields[name] for name in part["fields"] if name in definition.fields]
        if not rows or any(
            _seen(viewer, definition.name, field) < _seen(asker, definition.name, field)
            for field in fields
        ):
            raise NotAllowed(
                _(
                    "%(who)s may not see all %(entities)s that you may: they can't be sent this file.",
                    who=viewer.name,
                    entities=definition.plural,
                )
            )


def _seen(viewer: policy.Viewer, entity: str, field: Field) -> int:
    """How much of a field: nothing, masked, all."""
    return min(policy.ACCESS.index(viewer.access(entity, field)), policy.ACCESS.index("read"))


def _parts(job: Job) -> Sequence[Mapping[str, Any]]:
    result = job.result or {}
    return result.get("parts") or [{"entity": result["entity"], "fields": result["fields"]}]


def still_allowed(job: Job) -> None:
    """Raises FileGone past the job's time, NotAllowed where a right it was made with is gone."""
    result = job.result or {}
    if job.keep_until is not None and job.keep_until < now():
        raise FileGone(str(result.get("file")))
    viewer = policy.current_viewer()
    right = result.get("right")
    if right is not None:
        viewer.require(*right)
        return
    for part in _parts(job):
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
        plain = {field.name for field in policy.plain(definition)}
        then = part.get("seen") or {}
        if not known.issuperset(part["fields"]) or not plain.issuperset(then.get("plain", ())):
            raise NotAllowed(_("The file holds fields that you may not see any more."))
        if not all(_reaches_still(definition.name, *item) for item in then.get("rows", {}).items()):
            raise NotAllowed(_("The file holds records that you may not see any more."))


def seen_now(entity: str, fields: Iterable[str]) -> dict[str, Any]:
    """What the viewer sees of a table that a file is made of: for a file given out later, with other rights."""
    definition, viewer = current().entity(entity), policy.current_viewer()
    plain = {field.name for field in policy.plain(definition)}
    return {
        "plain": [name for name in fields if name in plain],
        "rows": {
            action: [[g.scope, list(g.conditions)] for g in viewer.grants(entity, action)]
            for action in ("read", "export")
        },
    }


def _reaches_still(entity: str, action: str, grants: Sequence[Any]) -> bool:
    """Whether what one may act on now holds all that these grants did."""
    now_given = policy.current_viewer().grants(entity, action)
    then = [policy.Grant(scope, tuple(conditions)) for scope, conditions in grants]
    return all(any(one.covers(grant) for one in now_given) for grant in then)
