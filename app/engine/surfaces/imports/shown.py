"""What the pages of an import show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.addresses import has_page, list_address, record_address
from app.engine.changes import ChangeSet, may_undo
from app.engine.changes import models as kinds
from app.engine.errors import StewardError
from app.engine.fields import Choice
from app.engine.job import CANCELLED, Job
from app.engine.job_words import Described, described
from app.engine.messages import thaw
from app.engine.parsing import cell_text
from app.engine.query import titles
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports import offered
from app.engine.surfaces.imports.checking import TO_BE_MADE, imported_before
from app.engine.surfaces.imports.columns import importable, key_candidates
from app.engine.surfaces.imports.deciding import REFUSE
from app.engine.surfaces.imports.models import (
    COUNTED,
    DONE,
    MAKE,
    REVERSING,
    RUNNING,
    ImportRun,
)
from app.engine.surfaces.imports.uploads import looked_at
from app.engine.surfaces.imports.words import (
    COUNTS,
    DELIMITERS,
    ENCODINGS,
    MODE_WORDS,
    NEAR_BECOMES,
    NEAR_WORDS,
    STATES,
)

_SHOWN_REFUSALS = 200
_MOST_OPTIONS = 8000
_FEWEST_WORDS = 10


def recent(statement: Any) -> list[dict[str, Any]]:
    """Imports of before, with where they stand."""
    runs = list(db.session.scalars(statement))
    ids = [run.change_set_id for run in runs if run.change_set_id]
    undone = set(
        db.session.scalars(
            select(ChangeSet.id).where(
                ChangeSet.id.in_(ids), ChangeSet.state.in_((kinds.UNDONE, kinds.PARTLY))
            )
        )
    )
    return [
        {
            "run": run,
            "state": _("Taken back") if run.change_set_id in undone else STATES[run.state][0],
            "tone": "warn" if run.change_set_id in undone else STATES[run.state][1],
        }
        for run in runs
    ]


def megabytes() -> int:
    """The largest upload, in MB."""
    return int(current_app.config["STEWARD"].upload_limit // 1_000_000)


def progress(job: Job) -> Described:
    """The job as the moving bar shows it."""
    return described(job)


def known_encoding(name: str | None) -> str | None:
    """One of those offered; None to find it out."""
    return name if name in ENCODINGS else None


def known_delimiter(name: str | None) -> str | None:
    """One of those offered; None to find it out."""
    return name if name in DELIMITERS else None


def why_stopped(job: Job) -> str:
    """Why a job came to nothing."""
    if job.state == CANCELLED:
        return str(gettext("It was cancelled."))
    return thaw(job.message) or str(gettext("It failed."))


def columns_page(definition: EntityDefinition, run: ImportRun) -> dict[str, Any]:
    """The columns with samples and the fields they may fill."""
    options = run.decided
    try:
        found = looked_at(run)
        unreadable = None
    except StewardError as error:
        columns = run.columns or []
        found = {"columns": columns, "samples": [[] for _c in columns], "sheets": [], "kind": ""}
        unreadable = error.message
    lines = [
        {
            "index": index,
            "name": column,
            "samples": [cell_text(cell)[:40] for cell in found["samples"][index][:3]],
            "field": options.mapping.get(column, ""),
        }
        for index, column in enumerate(found["columns"])
    ]
    before = imported_before(definition.name, run.sha256, run.id)
    return {
        "unreadable": unreadable,
        "lines": lines,
        "fields": [(f.name, f.label, f.required) for f in importable(definition)],
        "keys": [(f.name, f.label) for f in _possible_keys(definition)],
        "options": options,
        "sheets": found["sheets"],
        "kind": found["kind"],
        "encodings": ENCODINGS,
        "delimiters": DELIMITERS,
        "modes": MODE_WORDS,
        "nears": NEAR_WORDS if definition.options.duplicates else {},
        "warnings": [thaw(warning) for warning in (run.plan or {}).get("warnings", ())],
        "before": before,
        "may_approve": _may_approve(definition),
        "makeable": offered.makeable(definition),
        "fits": offered.fits(definition, run),
        **offered.profile(definition, options),
        "unfit": [thaw(warning) for warning in (run.plan or {}).get("unfit", ())],
    }


def preview_page(definition: EntityDefinition, run: ImportRun) -> dict[str, Any]:
    """The plan: counts, refusals, choices to be decided, the first changes."""
    plan = run.plan or {}
    return {
        "options": run.decided,
        "counts": [(name, label, plan.get(name, 0)) for name, label in COUNTS.items()],
        "total": plan.get("total", 0),
        "refusals": _refusals(plan.get("refusals", ())),
        "more_refused": max(0, plan.get("refused", 0) - _SHOWN_REFUSALS),
        "unknown": [
            _unknown(definition.fields[name], words, run)
            for name, words in plan.get("unknown", {}).items()
            if name in definition.fields
        ],
        "changes": [_change(definition, item) for item in plan.get("changes", ())],
        "fields_changed": _fields_changed(definition, plan.get("fields", {})),
        "more_changes": max(0, plan.get("changed", 0) - len(plan.get("changes", ()))),
        "more_duplicates": max(0, plan.get("duplicate", 0) - _SHOWN_REFUSALS),
        "duplicates": [
            {"row": item["row"], "message": thaw(item["message"])}
            for item in plan.get("duplicates", ())[:_SHOWN_REFUSALS]
        ],
        "nears": NEAR_WORDS,
        "near": plan.get("near", 0),
        "alike": _alike(definition, plan.get("alike", ())),
        "warnings": [thaw(warning) for warning in plan.get("warnings", ())],
        "before": imported_before(definition.name, run.sha256, run.id),
        "may_approve": _may_approve(definition),
        "effects": plan.get("new", 0) + plan.get("changed", 0),
        "making": offered.making(plan),
        "missing": [
            {**item, "count": plan["missing"][item["name"]]}
            for item in offered.makeable(definition)
            if item["name"] in plan.get("missing", {})
        ],
        "refused_file": bool(plan.get("refused")),
        **offered.profile(definition, run.decided),
    }


def result_page(definition: EntityDefinition, run: ImportRun, job: Job | None) -> dict[str, Any]:
    """What was done, what was refused, and the way back."""
    counts = run.counts or {}
    target = db.session.get(ChangeSet, run.change_set_id) if run.change_set_id else None
    undoable = (
        target is not None
        and target.state in (kinds.OPEN, kinds.DONE)
        and may_undo(target, policy.current_viewer())
        and run.state in (DONE, RUNNING)
    )
    word, tone = STATES[run.state]
    if run.state == RUNNING and job is not None and job.over:
        word, tone = _("Stopped before its end"), "bad"
    report = _undo_report(target)
    changes = f"/changes/{run.change_set_id}" if run.change_set_id else None
    return {
        "word": word,
        "tone": tone,
        "counts": [(name, label, counts.get(name, 0)) for name, label in COUNTS.items()],
        "total": counts.get("total", 0),
        "refusals": _refusals(run.refusals or ()),
        "more_refused": max(0, counts.get("refused", 0) - _SHOWN_REFUSALS),
        "undoable": undoable,
        "otherwise": run.state == DONE and _differs(run),
        "resumable": run.state in (RUNNING, REVERSING),
        "undone": undone(report) if report else None,
        "partly": bool(report and (report["kept"] or report["blocked"])),
        "change_set_href": changes if changes and has_page(changes) else None,
        "list_href": list_address(definition),
        "made": counts.get("made", 0),
        **offered.profile(definition, run.decided),
    }


def undone(report: Mapping[str, Any]) -> str:
    """What taking the import back came to."""
    said = gettext(
        "Taken back: %(reversed)s. Kept because edited since: %(kept)s. Blocked: %(blocked)s.",
        reversed=report["reversed"],
        kept=report["kept"],
        blocked=report["blocked"],
    )
    return str(said)


def _undo_report(target: ChangeSet | None) -> Mapping[str, Any] | None:
    if target is None or target.state not in (kinds.UNDONE, kinds.PARTLY):
        return None
    report: Mapping[str, Any] | None = db.session.scalar(
        select(ChangeSet.report)
        .where(ChangeSet.undoes_id == target.id)
        .order_by(ChangeSet.id.desc())
        .limit(1)
    )
    return report


def _unknown(field: Any, words: Iterable[Any], run: ImportRun) -> dict[str, Any]:
    """A field's words that are no choices, the most frequent first, with what may be done."""
    options = field.options.active() if isinstance(field, Choice) else []
    most = max(_FEWEST_WORDS, _MOST_OPTIONS // max(len(options), 1))
    listed = list(words)
    return {
        "name": field.name,
        "label": field.label,
        "options": [(option.value, str(option.label)) for option in options],
        "words": list(enumerate(listed))[:most],
        "more": max(0, len(listed) - most),
        "may_make": isinstance(field, Choice)
        and field.open
        and policy.current_viewer().can("ChoiceOption", "create"),
        "make": MAKE,
        "refuse": REFUSE,
    }


def _refusals(refusals: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**refusal, "message": thaw(refusal["message"])}
        for refusal in list(refusals)[:_SHOWN_REFUSALS]
    ]


def _change(definition: EntityDefinition, item: Mapping[str, Any]) -> dict[str, Any]:
    """A change field by field, in the reader's words and under their rights."""
    known = {field.name: field for field in policy.known(definition)}
    viewer = policy.current_viewer()

    def words(name: str, value: Any) -> str:
        field = known[name]
        if isinstance(value, dict) and TO_BE_MADE in value:
            return str(value[TO_BE_MADE])
        if field.target and value is not None:
            named = titles(str(field.target), [field.load(value)])
            return named.get(field.load(value), "")
        return field.text(policy.shown(definition, field, field.load(value), viewer))

    return {
        "row": item["row"],
        "name": item["name"],
        "href": record_address(definition, item["record_id"]),
        "fields": [
            (known[name].label, words(name, before), words(name, after))
            for name, before, after in item["fields"]
            if name in known
        ],
    }


def _fields_changed(
    definition: EntityDefinition, counts: Mapping[str, int]
) -> list[tuple[Any, int]]:
    """Of the fields that the viewer may know: how many rows change each."""
    known = {field.name: field for field in policy.known(definition)}
    return [(known[name].label, number) for name, number in counts.items() if name in known]


def _alike(
    definition: EntityDefinition, items: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows with what they resemble, a line of the file or a record, and what becomes of them."""
    listed = list(items)
    names = titles(definition.name, [item["record_id"] for item in listed if item["record_id"]])
    return [
        {
            "row": item["row"],
            "label": definition.fields[item["field"]].label,
            "value": item["value"],
            "line": item["line"],
            "name": names.get(item["record_id"]),
            "href": record_address(definition, item["record_id"]) if item["record_id"] else None,
            "becomes": NEAR_BECOMES.get(item.get("kind", "new"), ""),
        }
        for item in listed
        if item["field"] in definition.fields
    ]


def _differs(run: ImportRun) -> bool:
    """Whether the run came to other counts than the preview, because data changed in between."""
    plan, counts = run.plan or {}, run.counts or {}
    return "total" in plan and any(plan[name] != counts.get(name) for name in COUNTED)


def _possible_keys(definition: EntityDefinition) -> list[Any]:
    return key_candidates(definition, {field.name: field.name for field in importable(definition)})


def _may_approve(definition: EntityDefinition) -> bool:
    return definition.review and policy.current_viewer().can(definition.name, "approve")
