"""What an export is asked to hold, as the plain JSON that jobs and schedules keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict

from app.engine import job_files, mails, policy
from app.engine.addresses import ListAddress
from app.engine.errors import ValueProblem
from app.engine.query import Records
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.exports.files import OnProgress, Written, write_export
from app.engine.surfaces.exports.parts import export_fields

MOST_PEOPLE = 20
"""So many people at most are mailed one export."""

_FOLDER = re.compile(r"[\w-][\w. -]{0,59}(/[\w-][\w. -]{0,59}){0,4}")


@dataclass(frozen=True)
class Mailing:
    """To whom an export goes by mail (nobody named: its asker), and whether the file goes along."""

    to: tuple[int, ...] = ()
    attach: bool = False

    @classmethod
    def from_json(cls, given: Mapping[str, Any] | None) -> Self | None:
        """Out of a job's arguments."""
        if not given:
            return None
        return cls(tuple(int(u) for u in given.get("to") or ()), bool(given.get("attach")))


@dataclass(frozen=True)
class Request:
    """An entity's list as its address has it, a format, columns in their order (None: all)."""

    entity: str
    format: str
    query: tuple[tuple[str, str], ...] = ()
    fields: tuple[str, ...] | None = None
    related: tuple[str, ...] = ()
    record: int | None = None
    """One record alone, as a page of its own where the format has one."""
    mail: Mailing | None = None
    """To whom it goes by mail."""

    @classmethod
    def from_json(cls, arguments: Mapping[str, Any]) -> Self:
        """Out of a job's arguments; what is not ours there is left."""
        fields = arguments.get("fields")
        return cls(
            entity=arguments["entity"],
            format=arguments["format"],
            query=tuple((str(name), str(value)) for name, value in arguments.get("query") or ()),
            fields=None if fields is None else tuple(fields),
            related=tuple(arguments.get("related") or ()),
            record=arguments.get("record"),
            mail=Mailing.from_json(arguments.get("mail")),
        )

    def as_json(self) -> dict[str, Any]:
        """The arguments of a job."""
        return asdict(self)

    def check_mailing(self) -> None:
        """Raises ValueProblem where mails can't be sent, NotAllowed where somebody may not see as much."""
        if self.mail is None:
            return
        if not mails.available():
            raise ValueProblem(_("Mail is not set up."))
        if len(self.mail.to) > MOST_PEOPLE:
            raise ValueProblem(
                _("An export is mailed to at most %(count)s people.", count=MOST_PEOPLE)
            )
        asker = policy.current_viewer()
        parts = [
            {"entity": self.definition.name, "fields": self._names()},
            *(
                {"entity": name, "fields": [f.name for f in export_fields(current().entity(name))]}
                for name in self.related
            ),
        ]
        for user_id in self.mail.to:
            if user_id != asker.user_id:
                viewer = policy.viewer_by_id(user_id)
                if viewer.user_id is None:
                    raise ValueProblem(_("There is no such active user."))
                job_files.sees_as_much(viewer, asker, parts)

    def _names(self) -> list[str]:
        return [field.name for field in export_fields(self.definition, self.fields)]

    @property
    def definition(self) -> EntityDefinition:
        """Raises NotFound."""
        return current().entity(self.entity)

    @property
    def title(self) -> str:
        """What a file of it is called."""
        return str(self.definition.plural)

    def records(self) -> Records:
        """The selection. Raises NotFound, NotAllowed, ValueProblem for filters that are no more."""
        records = ListAddress.parse(MultiDict(self.query)).records(self.definition)
        return records if self.record is None else records.with_ids([self.record])

    def write(self, path: Path, on_progress: OnProgress | None = None) -> Written:
        """Write the file, on the viewer's behalf. Raises StewardErrors, OSError."""
        fields = export_fields(self.definition, self.fields)
        alone = self.record is not None
        return write_export(
            self.records(), fields, self.format, path, on_progress, self.related, alone
        )


def checked_folder(folder: Any) -> str:
    """A folder of the store that a scheduled export may write to. Raises ValueProblem."""
    text = str(folder or "").strip("/ ")
    if not _FOLDER.fullmatch(text) or ".." in text:
        raise ValueProblem(
            _("“%(name)s” can't be the name of a folder.", name=str(folder or "")[:80])
        )
    return f"scheduled/{text}"


def manifest(name: str, written: Mapping[str, Any]) -> dict[str, Any]:
    """What proves that a file is whole: kept in the job's result, given out beside the file."""
    return {
        "file": name,
        "rows": written["rows"],
        "size": written["size"],
        "sha256": written["sha256"],
        "tables": [
            {"entity": part["entity"], "fields": part["fields"], "rows": part["rows"]}
            for part in written["parts"]
        ],
    }
