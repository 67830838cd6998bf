"""Deliberate holes, each in just one surface: what the matrix must turn red for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask import current_app

import jobs
from app.engine import notices, policy
from app.engine.changes import checking, conflicts
from app.engine.policy import EVERYTHING, Viewer
from app.engine.query import Records
from app.engine.query import records as query_records
from app.engine.surfaces.exports import parts
from app.engine.surfaces.forms import duplicates
from app.engine.surfaces.history import shown
from tests.matrix import doors, writing
from tests.matrix.doors import Door

Patch = pytest.MonkeyPatch
Hole = Callable[[Patch], None]


@dataclass(frozen=True)
class Planted:
    """Where a hole is, how it is opened, and the doors before which it must be found."""

    open: Hole
    doors: tuple[Door, ...]
    told_apart: bool = False
    """No value comes through: it is found by what differs between two worlds."""


def _everybody(viewer: Viewer | None = None) -> Viewer:
    """Whoever asks, as if they might do everything."""
    asking = viewer or policy.current_viewer()
    return Viewer(asking.user_id, asking.name, EVERYTHING)


def forgetful(*endpoints: str) -> Hole:
    """The surface forgets who asks."""

    def dig(patch: Patch) -> None:
        for endpoint in endpoints:
            serve = current_app.view_functions[endpoint]

            @functools.wraps(serve)
            def open_to_all(*given: Any, _serve: Any = serve, **named: Any) -> Any:
                with policy.acting_as(_everybody()):
                    return _serve(*given, **named)

            patch.setitem(current_app.view_functions, endpoint, open_to_all)

    return dig


class _Careless:
    """The policy as a surface sees it that asks nobody about fields."""

    def __init__(self, **instead: Any) -> None:
        self._instead = instead

    def __getattr__(self, name: str) -> Any:
        return self._instead.get(name, getattr(policy, name))


def _every_field(definition: Any, _viewer: Any = None) -> list[Any]:
    return list(definition.fields.values())


def history_of_hidden_fields(patch: Patch) -> None:
    patch.setattr(shown, "policy", _Careless(current_viewer=_everybody))


def guessing(patch: Patch) -> None:
    """Any field may be filtered, sorted and grouped by."""
    careless = _Careless(plain_field=lambda definition, name, _viewer=None: definition.field(name))
    patch.setattr(query_records, "policy", careless)


def searching_hidden_fields(patch: Patch) -> None:
    patch.setattr(query_records, "policy", _Careless(plain=_every_field))


def exporting_hidden_fields(patch: Patch) -> None:
    """The file holds every column, unmasked; its rows are the asker's."""
    patch.setattr(parts, "policy", _Careless(known=_every_field))
    patch.setattr(Viewer, "access", lambda _self, _entity, _field: "write")


def importing_hidden_columns(patch: Patch) -> None:
    from app.engine.surfaces.imports import columns

    patch.setattr(columns, "policy", _Careless(writable=_every_field))
    patch.setattr(
        checking.Checker, "_given", lambda _self, _definition, values, _cleaned, _problems: values
    )


def saying_who_holds_it(patch: Patch) -> None:
    """Who has a value that is unique is said by name."""

    def taken(definition: Any, name: str) -> Any:
        with policy.unrestricted("a hole") as session:
            title = definition.title_field.expression(definition.model)
            held = session.scalars(query_records.select(title)).all()
        return f"{name}: held by one of {held}"

    patch.setattr(conflicts, "taken", taken)


def near_duplicates_of_all(patch: Patch) -> None:
    likely = duplicates.likely

    def careless(definition: Any, texts: Mapping[str, str]) -> Any:
        with policy.acting_as(_everybody()):
            return likely(definition, dict(texts))

    patch.setattr(duplicates, "likely", careless)


def jobs_with_every_right(patch: Patch) -> None:
    careless = _Careless(viewer_by_id=lambda user_id: Viewer(user_id, "", EVERYTHING))
    patch.setattr(jobs, "policy", careless)


def telling_of_everything(patch: Patch) -> None:
    """A notification says what stands in a record, whoever is told."""
    from app.engine.entity import DECLARED

    notify = notices.notify

    def careless(session: Any, user_id: int, message: Any, href: str, *rest: Any) -> Any:
        with policy.unrestricted("a hole") as everything:
            model: Any = DECLARED["Customer"]
            names = everything.scalars(query_records.select(model.name)).all()
        return notify(session, user_id, f"{message} {names}", href, *rest)

    patch.setattr(notices, "notify", careless)


def counting_all(patch: Patch) -> None:
    """A list says how many records there are, seen or not."""
    count = Records.count

    def careless(self: Records) -> tuple[int, bool]:
        with policy.acting_as(_everybody()):
            self.viewer, kept = _everybody(), self.viewer
            try:
                return count(self)
            finally:
                self.viewer = kept

    patch.setattr(Records, "count", careless)


def telling_what_there_is(patch: Patch) -> None:
    """A record that may not be seen is “not allowed”, and one that is none “not found”."""
    from app.engine.errors import NotAllowed, NotFound

    get = Records.get

    def careless(self: Records, record_id: int, fields: Any = None) -> Any:
        try:
            return get(self, record_id, fields)
        except NotFound:
            with policy.unrestricted("a hole") as session:
                if session.get(self.model, record_id) is not None:
                    raise NotAllowed from None
            raise

    patch.setattr(Records, "get", careless)


HOLES = {
    "list": Planted(forgetful("ListPages.list"), (doors.lists,)),
    "record page": Planted(forgetful("RecordPages.record"), (doors.records,)),
    "picker": Planted(forgetful("PickerPages.records"), (doors.pickers,)),
    "search page": Planted(forgetful("SearchPages.search"), (doors.search,)),
    "search in hidden fields": Planted(
        searching_hidden_fields, (doors.search,), told_apart=True
    ),
    "chart": Planted(forgetful("ChartPages.chart"), (doors.charts,)),
    "REST list": Planted(forgetful("RecordsApi.get_list"), (doors.rest_lists,)),
    "REST record": Planted(forgetful("RecordsApi.get"), (doors.rest_records,)),
    "REST filter and order": Planted(guessing, (doors.rest_lists,), told_apart=True),
    "whether a record is there": Planted(telling_what_there_is, (doors.rest_records,)),
    "trash": Planted(forgetful("TrashPages.trash"), (doors.trash,)),
    "history": Planted(history_of_hidden_fields, (doors.history,)),
    "change sets": Planted(forgetful("ChangeSetPages.show"), (doors.change_sets,)),
    "counts": Planted(counting_all, (doors.rest_lists,), told_apart=True),
    "near duplicates": Planted(near_duplicates_of_all, (doors.near_duplicates,)),
    "export": Planted(exporting_hidden_fields, (writing.exports,)),
    "notifications": Planted(telling_of_everything, (writing.exports, writing.notifications)),
    "uniqueness message": Planted(saying_who_holds_it, (writing.rest_writing,)),
    "form of a record": Planted(forgetful("FormPages.edit"), (writing.editing,)),
    "bulk work": Planted(
        forgetful("BulkPages.asked"), (writing.bulk,), told_apart=True
    ),
    "import": Planted(importing_hidden_columns, (writing.imports,)),
}  # fmt: skip
"""Surface → the hole in it. The last ones write where nothing should be written."""
