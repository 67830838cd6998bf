"""What the pages of bulk work show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import format_decimal, gettext, ngettext
from werkzeug.datastructures import MultiDict

from app.engine.addresses import list_address, record_address
from app.engine.bulk import AT_ONCE, Act, Edit, MergeDuplicates, Preview, Selection, compared
from app.engine.bulk.duplicates import KEEP, OLDEST
from app.engine.bulk.edit import ADD, CHANGE, HOW, REMOVE, REPLACE
from app.engine.errors import Problem
from app.engine.fields import Tags
from app.engine.messages import thaw
from app.engine.presentation import companions, title_of
from app.engine.record_form import RecordForm, row_texts, sent_texts, text_labels

LISTED = 20
"""Refusals that the preview lists."""


def frame(act: Act, selection: Selection, back: str, count: int | None = None) -> dict[str, Any]:
    """What every page of an act needs; `count`: where it is known already."""
    number = selection.count() if count is None else count
    return {
        "act": act,
        "definition": act.definition,
        "base": list_address(act.definition),
        "here": f"{list_address(act.definition)}bulk/{act.name}",
        "selection": selection.pairs(),
        "back": back,
        "count": number,
        "counted": counted(number),
        "by_job": number > AT_ONCE,
        "at_once": AT_ONCE,
    }


def counted(number: int) -> str:
    """“12,345 records”."""
    return str(
        ngettext("%(count)s record", "%(count)s records", number, count=format_decimal(number))
    )


def form(act: Act, sent: MultiDict[str, str] | None, problems: Sequence[Problem]) -> dict[str, Any]:
    """The fields to fill in, or what to compare duplicates by."""
    if isinstance(act, MergeDuplicates):
        fields = compared(act.definition)
        chosen = sent.getlist("by") if sent is not None else [fields[0].name]
        return {
            "problems": [str(problem.message) for problem in problems],
            "compared": [(field.name, field.label, field.name in chosen) for field in fields],
            "keep": [(name, label) for name, label in KEEP.items()],
            "kept": sent.get("keep", OLDEST) if sent is not None else OLDEST,
        }
    assert isinstance(act, Edit)
    fields = act.fields()
    texts = {**row_texts(fields, {}), **(sent_texts(fields, sent) if sent is not None else {})}
    drawn = RecordForm(act.definition, fields, texts, text_labels(fields, texts), problems)
    for field in fields:  # what is left empty is cleared: nothing here must be filled in
        drawn.form[field.name].flags.required = False
    alone = len([f for f in fields if f.name not in companions(act.definition)]) == 1
    ticked = sent.getlist(CHANGE) if sent is not None else []
    return {
        "drawn": drawn,
        "ticked": [field.name for field in fields] if alone else ticked,
        "alone": alone,
        "change": CHANGE,
        "how": HOW,
        "several": {field.name for field in fields if isinstance(field, Tags)},
        "ways": [
            (ADD, gettext("Add these")),
            (REMOVE, gettext("Take these away")),
            (REPLACE, gettext("Put these in place of all")),
        ],
        "ways_chosen": {
            field.name: (sent.get(f"{HOW}{field.name}", ADD) if sent is not None else ADD)
            for field in fields
        },
    }


def previewed(act: Act, found: Preview) -> dict[str, Any]:
    """What would happen."""
    definition = act.definition
    reasons = [
        {
            "name": reason["name"],
            "href": record_address(definition, reason["id"]),
            "why": thaw(reason["why"]),
        }
        for reason in found.tally.reasons[:LISTED]
    ]
    return {
        "found": found,
        "reasons": reasons,
        "groups": [
            [
                (
                    title_of(definition, row),
                    record_address(definition, row["id"]),
                    _beside(act, row),
                )
                for row in rows
            ]
            for rows in found.shown
        ],
        "may_run": bool(found.count and (found.groups or not isinstance(act, MergeDuplicates))),
    }


def _beside(act: Act, row: dict[str, Any]) -> str:
    """What tells the records of one group apart."""
    definition = act.definition
    names = [*definition.options.duplicates, "created_at"]
    texts = [
        definition.fields[name].text(row[name], row)
        for name in names
        if row.get(name) is not None and name != definition.options.title
    ]
    return " · ".join(texts)


def done(act: Act, number: int) -> str:
    """What is said when it was done to all of them."""
    match act.name:
        case "approve":
            words = ngettext("%(num)s record approved.", "%(num)s records approved.", number)
        case "trash":
            words = ngettext(
                "%(num)s record moved to the trash.", "%(num)s records moved to the trash.", number
            )
        case "archive":
            words = ngettext("%(num)s record archived.", "%(num)s records archived.", number)
        case "restore":
            words = ngettext("%(num)s record restored.", "%(num)s records restored.", number)
        case "merge_duplicates":
            words = ngettext("%(num)s duplicate merged.", "%(num)s duplicates merged.", number)
        case _:
            words = ngettext("Done for %(num)s record.", "Done for %(num)s records.", number)
    return str(words)
