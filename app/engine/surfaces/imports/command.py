"""The import of the command line: what the pages do, in one go and without questions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
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
    check_mode,
    check_required,
    importable,
    key_candidates,
    propose,
)
from app.engine.surfaces.imports.making import wanted_of
from app.engine.surfaces.imports.models import (
    MAKE,
    MODES,
    NEAR,
    REVERSED,
    UPLOADED,
    ImportRun,
    Options,
    Tally,
)
from app.engine.surfaces.imports.profiles import applied, named
from app.engine.surfaces.imports.running import Runner
from app.engine.tables import TableProblem, safe_name


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
    taken_back: bool = False
    """A row was refused where all or nothing was asked for: nothing was imported."""

    @property
    def refused(self) -> int:
        return self.counts["refused"]

    def as_json(self) -> dict[str, Any]:
        """Counts, the change set, the first refusals with row, column, value and reason."""
        return {
            **self.counts,
            "change_set": self.change_set,
            "dry_run": self.dry_run,
            "taken_back": self.taken_back,
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
    header: bool | None = True,
    dry_run: bool = False,
    make_choices: bool = True,
    profile: str | None = None,
    make: Sequence[str] = (),
    near: str | None = None,
    mode: str | None = None,
    key: str | None = None,
    sheet: str | None = None,
    all_or_nothing: bool = False,
) -> ImportReport:
    """Import a file on the current viewer's behalf.

    `mapping`: column (its header, or its number from 1) → field; the columns that it does not name
    are matched by their headers. Records are found by the entity's key where it is mapped; new
    ones are approved where the viewer may approve. `make_choices`: words that are no choice of a
    list kept as data become choices of it, where the viewer may make them; otherwise their rows
    are refused. `header` None: find out whether there is one. `profile`: the name of a kept one, whose columns and decisions are taken; `mapping`
    counts more. `make`: references whose missing records are made,
    by their name, or as `reference:field` by a code. `near`, `mode`, `key`: as the
    page asks them, "" for no key; None: as the profile says, or as the page proposes. Raises
    StewardErrors.
    """
    definition = current().entity(entity_name)
    viewer = policy.current_viewer()
    viewer.require(definition.name, "import")
    if not file.is_file():
        raise TableProblem(_("There is no file “%(name)s”.", name=str(file)))
    first = _read_as(definition, file, mapping or {}, Options(None, delimiter, header, sheet))
    options, unfit = _options(definition, file, mapping or {}, first, profile)
    options = replace(options, make=_to_make(definition, options, make))
    options = _decided(definition, options, {"near": near, "mode": mode, "key": key})
    options = replace(options, all_or_nothing=all_or_nothing or options.all_or_nothing)
    if make_choices and viewer.can("ChoiceOption", "create"):
        options = replace(options, choices=_all_made(definition, file, options))
    digest = _sha256(file)
    warnings = [freeze(words) for words in unfit]
    warnings += [] if imported_before(definition.name, digest) is None else [_again()]
    if dry_run:
        preview = check(definition.name, file, file.name, options)
        return _report(preview, None, True, options, [*warnings, *preview.warnings])
    run_id = _note(definition, viewer, file, digest, options)
    run = Runner(run_id, file, _no_hold).run()
    tally = Tally(run.counts or {}, run.refusals or [])
    report = _report(tally, run.change_set_id, False, options, warnings)
    report.taken_back = run.state == REVERSED
    return report


def _read_as(
    definition: EntityDefinition, file: Path, wanted: Mapping[str, str], first: Options
) -> Options:
    """Whether the file has a header, where that is to be found out: a row that looks like one, or
    that has a name of a column that is wanted or of a field.
    """
    if first.header is not None:
        return first
    with open_file(file, file.name, first) as table:
        if table.has_header:
            return replace(first, header=True)
    with open_file(file, file.name, replace(first, header=True)) as table:
        named = set(table.columns) & {name for name in wanted if not name.isdecimal()}
        found = named or propose(table.columns, importable(definition))
    return replace(first, header=bool(found))


def _options(
    definition: EntityDefinition,
    file: Path,
    wanted: Mapping[str, str],
    first: Options,
    profile: str | None,
) -> tuple[Options, list[Any]]:
    """What is to be done with the file, and what of the profile does not fit it."""
    with open_file(file, file.name, first) as table:
        columns = table.columns
    kept, unfit = first, list[Any]()
    if profile is not None:
        kept, unfit = applied(definition, named(definition, profile), columns, first)
    told = {_column(columns, name): field for name, field in wanted.items()}
    chosen = {
        **{column: name for column, name in kept.mapping.items() if name not in told.values()},
        **told,
    }
    fields = [field for field in importable(definition) if field.name not in chosen.values()]
    free = [column for column in columns if column not in chosen]
    mapping = {**chosen, **propose(free, fields)}
    mapping = {column: name for column, name in mapping.items() if name}
    check_mapping(definition, columns, mapping)
    keys = key_candidates(definition, mapping)
    names = [key.name for key in keys]
    by = kept.key if kept.key in names else None
    if profile is None:
        by = next(iter(names), None)
    approves = definition.review and policy.current_viewer().can(definition.name, "approve")
    options = replace(
        kept, mapping=mapping, key=by, approved=kept.approved if profile is not None else approves
    )
    return options, unfit


def _decided(
    definition: EntityDefinition, options: Options, said: Mapping[str, str | None]
) -> Options:
    """The options with what was said of them. Raises InvalidInput where it does not fit them."""
    options = replace(
        options,
        mode=options.mode if said["mode"] is None else said["mode"],
        near=options.near if said["near"] is None else said["near"],
        key=(options.key if said["key"] is None else said["key"]) or None,
    )
    for name, answers in (("mode", MODES), ("near", NEAR)):
        if getattr(options, name) not in answers:
            raise InvalidInput.of(
                name, _("“%(value)s” is not one of the choices.", value=getattr(options, name))
            )
    keys = [field.name for field in key_candidates(definition, options.mapping)]
    if options.key is not None and options.key not in keys:
        raise InvalidInput.of(
            "key", _("Records cannot be found by “%(field)s” here.", field=options.key)
        )
    if options.key is None:
        check_required(definition, options.mapping)
    check_mode(options)
    return options


def _to_make(definition: EntityDefinition, options: Options, wanted: Sequence[str]) -> list[str]:
    """The references whose records are to be made. Raises InvalidInput, NotFound."""
    told = {wanted_of(definition, asked)[0] for asked in wanted}
    return [*(one for one in options.make if one.partition(":")[0] not in told), *wanted]


def _all_made(
    definition: EntityDefinition, file: Path, options: Options
) -> dict[str, dict[str, str]]:
    """Every word in the file that is no choice yet of a list kept as data, to be made one."""
    made = {name: dict(words) for name, words in options.choices.items()}
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
            file_name=safe_name(file.name),
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
        choices_made={
            name: made
            for name, words in options.choices.items()
            if (made := [word for word, meant in words.items() if meant == MAKE])
        },
        refusals=tally.refusals,
        warnings=[thaw(warning) for warning in warnings],
    )
