"""Exports as a kind of job, asked for on the page or by schedule."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask_babel import LazyString, gettext
from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from app.engine import mails, people, policy
from app.engine.addresses import ListAddress
from app.engine.errors import InvalidInput, StewardError
from app.engine.job import Argument, JobKind, Plan, declare
from app.engine.presentation import columns
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.exports.formats import FORMATS, PDF
from app.engine.surfaces.exports.request import Mailing, Request, checked_folder


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
    given = urlsplit(answers.get("list", "").strip())
    if given.path not in ("", "/") and given.path.strip("/") != definition.key:
        raise InvalidInput.of(
            "list", _("This is not the address of the list “%(list)s”.", list=definition.plural)
        )
    try:
        address = ListAddress.parse(MultiDict(parse_qsl(given.query)))
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

_LINK, _FILE = "link", "file"


def _mailings() -> Sequence[tuple[str, Any]]:
    return [(_LINK, _("As a link")), (_FILE, _("With the file, where it is small enough"))]


def _mail_hint() -> str:
    if not mails.available():
        return str(
            gettext("Mail is not set up here; whoever runs Steward can do that with MAIL_URL.")
        )
    return str(gettext("Empty: not mailed. It can be downloaded among the jobs."))


def _prepare_with_mail(answers: Mapping[str, str]) -> dict[str, Any]:
    """The same with whom it is mailed to, checked. Raises InvalidInput naming the answer."""
    arguments = _prepare(answers)
    how, named = answers.get("mail", ""), _people(answers.get("mail_to", ""))
    if how not in (_LINK, _FILE):
        if named:
            raise InvalidInput.of("mail", _("Say how it is to be mailed."))
        return arguments
    wanted = replace(Request.from_json(arguments), mail=Mailing(named, how == _FILE))
    try:
        wanted.check_mailing()
    except StewardError as error:
        raise InvalidInput.of("mail_to" if mails.available() else "mail", error.message) from error
    return wanted.as_json()


def _people(names: str) -> tuple[int, ...]:
    """Active users by their names. Raises InvalidInput for one that is not just one."""
    found: dict[int, None] = {}
    for name in re.split("[,;，；、]", names):
        if name.strip():
            user_id = people.find_exact(name)
            if user_id is None:
                raise InvalidInput.of(
                    "mail_to", _("“%(name)s” is no active user.", name=name.strip()[:80])
                )
            found[user_id] = None
    return tuple(found)


EXPORT = declare(
    JobKind(
        "export",
        _("Export"),
        queue="bulk",
        limit=datetime.timedelta(hours=6),
        repeatable=True,
        plan=Plan(
            title=_title,
            prepare=_prepare_with_mail,
            arguments=(
                *_ASKED,
                Argument(
                    "mail",
                    _("By mail"),
                    _mailings,
                    required=False,
                    hint=LazyString(_mail_hint),
                ),
                Argument(
                    "mail_to",
                    _("To"),
                    required=False,
                    hint=_("User names, with commas between them; empty: you."),
                ),
            ),
        ),
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
