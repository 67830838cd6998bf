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
from app.engine.registry import current
from app.engine.surfaces.exports.files import FORMATS, export_fields


def _entities() -> Sequence[tuple[str, Any]]:
    viewer = policy.current_viewer()
    return [
        (definition.name, definition.plural)
        for definition in current().entities.values()
        if viewer.can(definition.name, "export")
    ]


def _formats() -> Sequence[tuple[str, Any]]:
    return [(name, name.upper()) for name in FORMATS]


def _prepare(answers: Mapping[str, str]) -> Mapping[str, Any]:
    """The arguments of the job, checked. Raises InvalidInput naming the answer."""
    definition = current().entity(answers["entity"])
    try:
        query = parse_qsl(urlsplit(answers.get("list", "")).query)
        address = ListAddress.parse(MultiDict(query))
        address.records(definition)
    except StewardError as error:
        raise InvalidInput.of("list", error.message) from error
    return {
        "entity": definition.name,
        "query": [list(pair) for pair in address.pairs(paging=False)],
        "format": answers["format"],
        "fields": [field.name for field in export_fields(definition)],
    }


def _title(answers: Mapping[str, Any]) -> Any:
    return _("Export: %(entities)s", entities=current().entity(answers["entity"]).plural)


EXPORT = declare(
    JobKind(
        "export",
        _("Export"),
        queue="bulk",
        limit=datetime.timedelta(hours=6),
        repeatable=True,
        plan=Plan(
            title=_title,
            prepare=_prepare,
            arguments=(
                Argument("entity", _("Records"), _entities),
                Argument("format", _("Format"), _formats),
                Argument(
                    "list",
                    _("Address of a list"),
                    required=False,
                    hint=_("Copied from the browser, with its filters; empty: everything."),
                ),
            ),
        ),
    )
)
