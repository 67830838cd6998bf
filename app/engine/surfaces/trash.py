"""Trash: records that were deleted, to be restored, or purged for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, redirect, render_template, request
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from app.engine import policy, registry
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.web import toast
from app.engine.addresses import has_page, list_address, undo_address, with_query
from app.engine.changes import Changes, change_set
from app.engine.errors import InvalidInput, StewardError
from app.engine.presentation import title_of
from app.engine.query import MAX_PAGE_SIZE, Records, Sort
from app.engine.registry import EntityDefinition

PAGE = 50
MOST_REASONS = 3
COLUMNS = 2
"""Fields of the list shown beside the name, to tell records of one name apart."""


class TrashPages(Pages):
    """/<key>/trash"""

    @expose("/<key>/trash")
    @entity_page("delete")
    def trash(self, definition: EntityDefinition) -> str:
        """What is in the trash, the last deleted first."""
        records = Records(definition).in_trash()
        names = {field.name for field in policy.plain(definition)}
        if "updated_at" in names:
            records.sort(Sort("updated_at", descending=True))
        page = records.page(PAGE, cursor=request.args.get("after"))
        here = trash_address(definition)
        return render_template(
            "trash/trash.html",
            definition=definition,
            here=here,
            rows=[{**row, "title": title_of(definition, row)} for row in page.rows],
            columns=columns(definition),
            shows_when="updated_at" in names,
            shows_who="updated_by" in names,
            may_purge=policy.current_viewer().can(definition.name, "purge"),
            previous=page.previous and with_query(here, [("after", page.previous)]),
            next=page.next and with_query(here, [("after", page.next)]),
            restore_all=_restore_all(definition) if page.rows else None,
            list_href=list_address(definition),
        )

    @expose("/<key>/trash/restore", methods=["POST"])
    @entity_page("delete")
    def restore(self, definition: EntityDefinition) -> Response:
        """Bring records back."""
        done, change_set_id = each(definition, Changes.restore)
        if done:
            toast(
                ngettext("%(num)s record restored.", "%(num)s records restored.", done),
                undo=undo_address(change_set_id),
            )
        return redirect(trash_address(definition), 303)

    @expose("/<key>/trash/purge", methods=["POST"])
    @entity_page("purge")
    def purge(self, definition: EntityDefinition) -> Response:
        """Take records away for good; this can't be undone."""
        done, _change_set_id = each(definition, Changes.purge)
        if done:
            toast(ngettext("%(num)s record purged.", "%(num)s records purged.", done))
        return redirect(trash_address(definition), 303)


def columns(definition: EntityDefinition) -> list[Any]:
    """The first fields of the list that the viewer may know of, beside the name."""
    return [
        field
        for field in policy.known(definition)
        if field.in_list and not field.system and field.name != definition.options.title
    ][:COLUMNS]


def _restore_all(definition: EntityDefinition) -> str | None:
    """Where everything in the trash can be brought back at once."""
    address = f"/{definition.key}/bulk/restore"
    pairs = [("trash", "1"), ("all", "1"), ("next", trash_address(definition))]
    return with_query(address, pairs) if has_page(address) else None


def trash_address(definition: EntityDefinition) -> str:
    """The page of an entity's trash."""
    return f"/{definition.key}/trash"


def each(
    definition: EntityDefinition, act: Callable[[Changes, EntityDefinition, int], Any]
) -> tuple[int, int | None]:
    """Do it to every record asked for, in one change set; what can't be done is said.

    How many it was done to, and the change set. Raises InvalidInput for none or too many.
    """
    ids = asked_for()
    done, reasons = 0, []
    with change_set("bulk" if len(ids) > 1 else "form") as changes:
        for record_id in ids:
            problem = _try(changes, definition, record_id, act)
            if problem is None:
                done += 1
            else:
                reasons.append(problem)
    if reasons:
        toast(refusal(reasons), "warning")
    if definition.options.shapes_registry:
        registry.refresh()
    return done, changes.id


def _try(
    changes: Changes,
    definition: EntityDefinition,
    record_id: int,
    act: Callable[[Changes, EntityDefinition, int], Any],
) -> str | None:
    """Do it to one record, wholly or not at all; why not, if not."""
    counted = Counter(changes.journal.counts)
    try:
        with changes.session.begin_nested():
            act(changes, definition, record_id)
    except StewardError as error:
        changes.journal.counts = counted
        return str(error)
    return None


def refusal(reasons: Sequence[str]) -> str:
    """How many were left, and the first reasons."""
    first = " ".join(dict.fromkeys(reasons[:MOST_REASONS]))
    words = ngettext(
        "%(num)s record stays in the trash: %(reasons)s",
        "%(num)s records stay in the trash: %(reasons)s",
        len(reasons),
        reasons=first,
    )
    return str(words)


def asked_for() -> list[int]:
    """The ids that the form sent. Raises InvalidInput."""
    ids = list(dict.fromkeys(request.form.getlist("ids", type=int)))
    if not ids:
        raise InvalidInput.of(None, gettext("Select at least one record."))
    if len(ids) > MAX_PAGE_SIZE:
        raise InvalidInput.of(
            None, gettext("At most %(most)s records at once.", most=MAX_PAGE_SIZE)
        )
    return ids


def register(_app: Flask, appbuilder: Any) -> None:
    """Add the pages."""
    appbuilder.add_view_no_menu(TrashPages)
