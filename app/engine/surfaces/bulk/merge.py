"""Merging a few records: side by side, what differs to be chosen, what will move shown before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import make_response, redirect, render_template, request
from flask_babel import format_decimal, gettext
from werkzeug.wrappers import Response

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.adapters.database import db
from app.engine.adapters.web import safe_next, toast
from app.engine.addresses import list_address, record_address, undo_address
from app.engine.bulk import Selection, act_of
from app.engine.changes import change_set
from app.engine.changes.merging import MOST_MERGED, count_references, merge, mergeable
from app.engine.errors import InvalidInput, StewardError
from app.engine.fields import Field, Tags
from app.engine.presentation import companions, is_draft, needed, title_of
from app.engine.query import Records
from app.engine.registry import EntityDefinition, current

TAKE = "take."
"""Prefix of the inputs that say from which record a field's value comes."""

UNITED = "united"


@dataclass(frozen=True)
class Cell:
    """One record's value of a field, and whether it is the one taken."""

    record_id: int
    shown: str
    empty: bool
    chosen: bool


@dataclass(frozen=True)
class Compared:
    """A field across the records."""

    name: str
    label: Any
    cells: Sequence[Cell]
    differs: bool
    united: bool
    united_chosen: bool


class MergePages(Pages):
    """/<key>/merge"""

    @expose("/<key>/merge", methods=["GET", "POST"])
    @entity_page("read")
    def merge(self, definition: EntityDefinition) -> Response:
        """The records side by side; sent back, merged."""
        act_of(definition, "merge")
        selection = Selection.parse(definition, request.values)
        back = safe_next(list_address(definition))
        rows = _rows(definition, selection)
        if selection.whole or not 2 <= len(rows) <= MOST_MERGED:
            toast(gettext("Tick 2 to %(most)s rows to merge.", most=MOST_MERGED), "warning")
            return redirect(back, 303)
        ids = [int(row["id"]) for row in rows]
        wanted = request.values.get("survivor", ids[0], type=int)
        survivor = wanted if wanted in ids else ids[0]
        if request.method == "GET":
            return _page(definition, rows, survivor, back)
        try:
            return _merged(definition, rows, survivor)
        except StewardError as error:
            return _page(definition, rows, survivor, back, error)


def _merged(
    definition: EntityDefinition, rows: Sequence[dict[str, Any]], survivor: int
) -> Response:
    losers = [int(row["id"]) for row in rows if row["id"] != survivor]
    with change_set("merge") as changes:
        merge(changes, definition, survivor, losers, _taken(definition))
    toast(
        gettext("%(count)s records became one.", count=format_decimal(len(rows))),
        "success",
        undo_address(changes.id),
    )
    return redirect(record_address(definition, survivor), 303)


def _taken(definition: EntityDefinition) -> dict[str, int]:
    """What was chosen, an amount's currency coming along with it."""
    taken: dict[str, int] = {}
    for name, value in request.form.items():
        field = name.removeprefix(TAKE)
        if name.startswith(TAKE) and field in definition.fields and value.isdecimal():
            taken[field] = int(value[:18])
    return taken


def _rows(definition: EntityDefinition, selection: Selection) -> list[dict[str, Any]]:
    """The records as the viewer sees them, the oldest first."""
    if selection.whole:
        return []
    fields = needed(definition, [*_fields(definition), definition.title_field])
    fields += [definition.fields["created_at"], definition.fields["updated_at"]]
    if definition.review:
        fields.append(definition.fields["review_state"])
    known = [field for field in dict.fromkeys(fields) if field in policy.known(definition)]
    page = (
        Records(definition).with_ids(selection.ids[: MOST_MERGED + 1]).page(MOST_MERGED + 1, known)
    )
    return sorted(page.rows, key=lambda row: int(row["id"]))


def _fields(definition: EntityDefinition) -> list[Field]:
    skipped = companions(definition)
    wanted = mergeable(definition, policy.current_viewer())
    return [field for field in wanted if field.name not in skipped]


def _page(
    definition: EntityDefinition,
    rows: Sequence[dict[str, Any]],
    survivor: int,
    back: str,
    error: StewardError | None = None,
) -> Response:
    fields = [_compared(field, rows, survivor) for field in _fields(definition)]
    ids = [int(row["id"]) for row in rows]
    return make_response(
        render_template(
            "bulk/merge.html",
            definition=definition,
            base=list_address(definition),
            back=back,
            ids=",".join(map(str, ids)),
            survivor=survivor,
            records=[_head(definition, row) for row in rows],
            differing=[field for field in fields if field.differs],
            alike=[f for f in fields if not f.differs and not f.cells[0].empty],
            moving=_moving(definition, ids),
            take=TAKE,
            united=UNITED,
            problem=_words(definition, error) if error else None,
        ),
        error.status if error else 200,
    )


def _words(definition: EntityDefinition, error: StewardError) -> str:
    if not isinstance(error, InvalidInput):
        return str(error)
    parts = []
    for problem in error.problems:
        field = definition.fields.get(problem.field or "")
        parts.append(f"{field.label}: {problem.message}" if field else str(problem.message))
    return " ".join(parts)


def _head(definition: EntityDefinition, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "title": title_of(definition, row),
        "href": record_address(definition, row["id"]),
        "draft": is_draft(definition, row),
        "created_at": row.get("created_at"),
    }


def _compared(field: Field, rows: Sequence[dict[str, Any]], survivor: int) -> Compared:
    keys = [tuple(_plain(row.get(name)) for name in (field.name, *field.needs)) for row in rows]
    filled = [row for row in rows if row.get(field.name) is not None]
    own = next((row for row in filled if row["id"] == survivor), filled[0] if filled else rows[0])
    united = isinstance(field, Tags) and len(filled) > 1
    sent = request.form.get(f"{TAKE}{field.name}")
    chosen = sent if sent is not None else (UNITED if united else str(own["id"]))
    return Compared(
        name=field.name,
        label=field.label,
        cells=[
            Cell(
                int(row["id"]),
                "" if row.get(field.name) is None else field.text(row[field.name], row),
                row.get(field.name) is None,
                chosen == str(row["id"]),
            )
            for row in rows
        ],
        differs=len(set(keys)) > 1,
        united=united,
        united_chosen=chosen == UNITED,
    )


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _moving(definition: EntityDefinition, ids: Sequence[int]) -> Mapping[int, str]:
    """By record, how many others point at it, in words; of entities that the viewer may read."""
    viewer = policy.current_viewer()
    found = count_references(db.session(), definition, ids)
    words = {}
    for record_id, counts in found.items():
        parts = [
            f"{current().entity(name).plural} {format_decimal(number)}"
            for name, number in counts.items()
            if viewer.can(name, "read")
        ]
        words[record_id] = str(gettext(", ")).join(parts)
    return words
