"""Exports as a kind of job, asked for on the page or by schedule."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from app.engine import policy
from app.engine.addresses import ListAddress
from app.engine.errors import InvalidInput, StewardError
from app.engine.job import Argument, JobKind, Plan, declare
from app.engine.presentation import columns
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.exports.formats import FORMATS, PDF
from app.engine.surfaces.exports.request import Request, checked_folder


def _entities() -> Sequence[tuple[str, Any]]:
    viewer = policy.current_viewer()
    return [
        (definition.name, definition.plural)
        for definition in current().entities.values()
        if viewer.can(definition.name, "export")
    ]


def _formats() -> Sequence[tuple[str, Any]]:
    return [(name, one.label) for name, one in FORMATS.items()]


def _prepare(answers: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of the job, checked. Raises InvalidInput naming the answer."""
    definition = current().entity(answers["entity"])
    try:
        query = parse_qsl(urlsplit(answers.get("list", "")).query)
        address = ListAddress.parse(MultiDict(query))
        address.records(definition)
    except StewardError as error:
        raise InvalidInput.of("list", error.message) from error
    wanted = Request(
        entity=definition.name,
        format=answers["format"],
        query=tuple(address.pairs(paging=False)),
        fields=_printed(definition) if answers["format"] == PDF else None,
    )
    return wanted.as_json()


def _printed(definition: EntityDefinition) -> tuple[str, ...]:
    """What fits on paper: the list's columns."""
    return tuple(column.name for column in columns(definition, policy.current_viewer()))


def _prepare_in_folder(answers: Mapping[str, str]) -> dict[str, Any]:
    """The same with the folder, checked. Raises InvalidInput naming the answer."""
    try:
        checked_folder(answers["folder"])
    except StewardError as error:
        raise InvalidInput.of("folder", error.message) from error
    return {**_prepare(answers), "folder": answers["folder"]}


def _title(answers: Mapping[str, Any]) -> Any:
    return _("Export: %(entities)s", entities=current().entity(answers["entity"]).plural)


_ASKED = (
    Argument("entity", _("Records"), _entities),
    Argument("format", _("Format"), _formats),
    Argument(
        "list",
        _("Address of a list"),
        required=False,
        hint=_("Copied from the browser, with its filters; empty: everything."),
    ),
)

EXPORT = declare(
    JobKind(
        "export",
        _("Export"),
        queue="bulk",
        limit=datetime.timedelta(hours=6),
        repeatable=True,
        plan=Plan(title=_title, prepare=_prepare, arguments=_ASKED),
    )
)

EXPORT_TO_FOLDER = declare(
    JobKind(
        "export.scheduled",
        _("Export to a folder"),
        queue="bulk",
        limit=datetime.timedelta(hours=6),
        plan=Plan(
            title=_title,
            prepare=_prepare_in_folder,
            arguments=(
                *_ASKED,
                Argument(
                    "folder",
                    _("Folder"),
                    hint=_("In the file store, below “scheduled”. Files there are kept for good."),
                ),
            ),
        ),
    )
)
