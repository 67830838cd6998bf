"""The import of the command line: what the pages do, in one go and without questions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import policy
from app.engine.adapters.database import now, write_transaction
from app.engine.errors import InvalidInput
from app.engine.fields import Choice
from app.engine.messages import freeze, thaw
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.imports.batches import open_file
from app.engine.surfaces.imports.cells import MADE_LENGTH, RowParser
from app.engine.surfaces.imports.checking import check, imported_before
from app.engine.surfaces.imports.columns import (
    check_mapping,
    check_required,
    importable,
    key_candidates,
    propose,
)
from app.engine.surfaces.imports.models import MAKE, UPLOADED, ImportRun, Options, Tally
from app.engine.surfaces.imports.running import Runner
from app.engine.tables import TableProblem


@dataclass
class ImportReport:
    """What an import did, or with `dry_run` would do."""

    counts: Mapping[str, int]
    change_set: int | None = None
    dry_run: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)
    choices_made: Mapping[str, list[str]] = field(default_factory=dict)
    """Field → words that became new choices of its list."""
    refusals: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return self.counts["refused"]

    def as_json(self) -> dict[str, Any]:
        """Counts, the change set, the first refusals with row, column, value and reason."""
        return {
            **self.counts,
            "change_set": self.change_set,
            "dry_run": self.dry_run,
            "mapping": dict(self.mapping),
            "choices_made": dict(self.choices_made),
            "warnings": self.warnings,
            "refusals": [
                {**refusal, "message": thaw(refusal["message"])} for refusal in self.refusals
            ],
        }


def command(
    entity_name: str,
    file: Path,
    mapping: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    header: bool = True,
    dry_run: bool = False,
    make_choices: bool = True,
) -> ImportReport:
    """Import a file on the current viewer's behalf.

    `mapping`: column (its header, or its number from 1) → field; the columns that it does not name
    are matched by their headers. Records are found by the entity's key where it is mapped; new
    ones are approved where the viewer may approve. `make_choices`: words that are no choice of a
    list kept as data become choices of it, where the viewer may make them; otherwise their rows
    are refused. Raises StewardErrors.
    """
    definition = current().entity(entity_name)
    viewer = policy.current_viewer()
    viewer.require(definition.name, "import")
    if not file.is_file():
        raise TableProblem(_("There is no file “%(name)s”.", name=str(file)))
    options = _options(definition, file, mapping or {}, delimiter, header)
    if make_choices and viewer.can("ChoiceOption", "create"):
        options = replace(options, choices=_all_made(definition, file, options))
    digest = _sha256(file)
    warnings = [] if imported_before(definition.name, digest) is None else [_again()]
    if dry_run:
        preview = check(definition.name, file, file.name, options)
        return _report(preview, None, True, options, [*warnings, *preview.warnings])
    run_id = _note(definition, viewer, file, digest, options)
    run = Runner(run_id, file, _no_hold).run()
    tally = Tally(run.counts or {}, run.refusals or [])
    return _report(tally, run.change_set_id, False, options, warnings)


def _options(
    definition: EntityDefinition,
    file: Path,
    wanted: Mapping[str, str],
    delimiter: str | None,
    header: bool,
) -> Options:
    first = Options(delimiter=delimiter, header=header)
    with open_file(file, file.name, first) as table:
        columns = table.columns
    chosen = {_column(columns, name): field for name, field in wanted.items()}
    fields = [field for field in importable(definition) if field.name not in chosen.values()]
    free = [column for column in columns if column not in chosen]
    mapping = {**chosen, **propose(free, fields)}
    mapping = {column: name for column, name in mapping.items() if name}
    check_mapping(definition, columns, mapping)
    keys = key_candidates(definition, mapping)
    if not keys:
        check_required(definition, mapping)
    return Options(
        delimiter=delimiter,
        header=header,
        mapping=mapping,
        key=keys[0].name if keys else None,
        approved=definition.review and policy.current_viewer().can(definition.name, "approve"),
    )


def _all_made(
    definition: EntityDefinition, file: Path, options: Options
) -> dict[str, dict[str, str]]:
    """Every word in the file that is no choice yet of a list kept as data, to be made one."""
    made: dict[str, dict[str, str]] = {}
    with open_file(file, file.name, options) as table:
        parser = RowParser(definition, table.columns, options)
        for row in table.rows():
            for name, word in parser.parse(row).unknown:
                item = definition.fields[name]
                if isinstance(item, Choice) and item.open and len(word) <= MADE_LENGTH:
                    made.setdefault(name, {})[word] = MAKE
    return made


def _column(columns: list[str], name: str) -> str:
    """A column by its header, or by its number from 1. Raises InvalidInput."""
    if name in columns:
        return name
    if name.isdecimal() and 0 < int(name) <= len(columns):
        return columns[int(name) - 1]
    raise InvalidInput.of(name, _("The file has no column “%(name)s”.", name=name))


def _note(
    definition: EntityDefinition, viewer: policy.Viewer, file: Path, digest: str, options: Options
) -> int:
    with write_transaction() as session:
        run = ImportRun(
            entity=definition.name,
            user_id=viewer.user_id,
            user_name=viewer.name,
            created_at=now(),
            file_name=file.name[:200],
            file_size=file.stat().st_size,
            sha256=digest,
            state=UPLOADED,
            options=options.as_json(),
            position=0,
        )
        session.add(run)
        session.flush()
        return run.id


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _again() -> Any:
    return freeze(_("This file was imported before."))


def _no_hold(session: Any, **values: Any) -> None:
    """On the command line nobody else can take the run over."""


def _report(
    tally: Tally, change_set: int | None, dry_run: bool, options: Options, warnings: list[Any]
) -> ImportReport:
    return ImportReport(
        counts=tally.counts,
        change_set=change_set,
        dry_run=dry_run,
        mapping=options.mapping,
        choices_made={name: list(words) for name, words in options.choices.items()},
        refusals=tally.refusals,
        warnings=[thaw(warning) for warning in warnings],
    )
