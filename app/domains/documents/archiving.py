"""The steps of archiving, each in a change set of its own: a job that was killed goes on from the rows.

Collecting: documents that the rule names and whoever asked may see; each is checked against the papers
that its class requires, and left out where some are missing. Sealing: items get their archival numbers,
`fonds–class–year–period–item`, gap-free in each series; the package is written into the store; then
its row is sealed, and its documents are archived. Undoing, until it is sealed: the numbers go back.
"""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select

from app.domains.documents import holding, papers
from app.domains.documents.choices import DocumentState, Retention, today
from app.domains.documents.document import Document
from app.domains.documents.document_class import DocumentClass
from app.domains.documents.package import (
    ARCHIVABLE,
    HOLDING,
    MOST_ITEMS,
    ArchiveItem,
    ArchivePackage,
    Fonds,
    PackageState,
    in_no_package,
    items_of,
)
from app.domains.documents.version import DocumentFile, DocumentVersion
from app.engine import archives
from app.engine.errors import InvalidInput
from app.engine.onward import note, whoever_sees
from app.engine.registry import current
from app.engine.rules import Saving, whoever_saves

ITEM, PACKAGE, DOCUMENT = "ArchiveItem", "ArchivePackage", "Document"
CODES = {
    Retention.PERMANENT.value: "Y",
    Retention.YEARS_30.value: "D30",
    Retention.YEARS_10.value: "D10",
}
"""How periods stand in archival numbers, as usual in China (DA/T 22)."""


class NotAsItWas(InvalidInput):
    """The package is in another state than the job is for: somebody has decided otherwise."""

    @classmethod
    def now(cls, package: Any) -> NotAsItWas:
        state = PackageState(package.state).label
        made = cls.of(
            None, _("The package is “%(state)s” now: nothing is left to do.", state=state)
        )
        assert isinstance(made, NotAsItWas)
        return made


def package_in(changes: Any, package_id: int, *states: PackageState) -> Any:
    """The package, kept from others until the end. Raises NotFound, NotAsItWas."""
    package = changes.load(current().entity(PACKAGE), package_id, "update")
    if package.state not in states:
        raise NotAsItWas.now(package)
    return package


# -- collecting ------------------------------------------------------------------------------


def check_item(saving: Saving) -> None:
    """Refuses a document that cannot be archived, or not in this package, saying why."""
    with whoever_saves():
        session = saving.changes.session
        package = session.get(ArchivePackage, saving.values["package"])
        document = session.get(Document, saving.values["document"])
        if package is None or document is None:
            return  # said by the references
        if package.state not in HOLDING[:2]:
            saving.problem("package", _("The package takes nothing in any more."))
        taken = _taken_by(saving.changes, document.id, saving.record_id)
        for why in [*taken, *reasons_against(saving.changes, document)]:
            saving.problem("document", why)
        saving.values["only_of"] = document.id
        saving.values |= described(saving.changes, document)


def _taken_by(changes: Any, document_id: int, item_id: int | None) -> list[Any]:
    """That another package has it; two that take it at once are told apart by the database."""
    item, package = _models(ArchiveItem, ArchivePackage)
    statement = (
        select(package.number)
        .join(item, item.package_id == package.id)
        .where(
            item.document_id == document_id, item.deleted_at.is_(None), item.id != (item_id or 0)
        )
    )
    rows = whoever_sees(changes, statement)
    return [_("It is in archive package %(number)s.", number=row[0]) for row in rows]


def described(changes: Any, document: Any) -> dict[str, Any]:
    """What an item says of its document; as it is archived, so it stays."""
    found = changes.session.get(DocumentClass, document.document_class_id)
    day = document.dated_on or document.filed_on or today()
    years = document.retention_years
    return {
        "title": document.title,
        "class_code": found.code,
        "year": day.year,
        "retention": document.retention,
        "period": CODES.get(document.retention) or f"D{years or 0}",
        "dated_on": document.dated_on,
    }


def reasons_against(changes: Any, document: Any) -> list[Any]:
    """Why the document cannot be archived; nothing where it is complete."""
    found: list[Any] = []
    if document.state not in ARCHIVABLE:
        found.append(_("Only what is in force or superseded is archived."))
    if document.checked_out_by_id is not None:
        found.append(_("Somebody has checked it out."))
    missing = papers.missing_for(changes, document)
    if missing:
        names = _names(changes, [one.paper_class for one in missing])
        found.append(_("Required papers are missing: %(names)s", names=", ".join(names)))
    if not _has_file(changes, document.id):
        found.append(_("It has no file."))
    return found


def _names(changes: Any, classes: Sequence[int]) -> list[str]:
    model: Any = DocumentClass
    rows = whoever_sees(changes, select(model.name_zh).where(model.id.in_(classes)))
    return [row[0] for row in rows]


def _has_file(changes: Any, document_id: int) -> bool:
    model: Any = DocumentFile
    there = select(model.id).where(
        model.document_id == document_id, model.deleted_at.is_(None), model.content_id.is_not(None)
    )
    return bool(whoever_sees(changes, there.limit(1)))


def collect_some(
    changes: Any, package_id: int, after: int, limit: int
) -> tuple[list[int], list[tuple[int, list[Any]]], int | None]:
    """Take in the next documents: those taken, those left out with why, and where to go on.

    Whoever asked sees them, and may make items of them.
    """
    package = package_in(changes, package_id, PackageState.COLLECTING)
    room = MOST_ITEMS - _count(changes, package_id)
    found = list(changes.session.scalars(_wanted(changes, package, after).limit(limit)))
    definition = current().entity(ITEM)
    taken: list[int] = []
    left_out: list[tuple[int, list[Any]]] = []
    for document in found:
        if len(taken) >= room:
            return taken, left_out, None
        why = reasons_against(changes, document)
        if why:
            left_out.append((document.id, why))
            continue
        changes.create(definition, {"package": package_id, "document": document.id})
        taken.append(document.id)
    return taken, left_out, found[-1].id if len(found) == limit else None


def _wanted(changes: Any, package: Any, after: int) -> Any:
    """The documents that the package's rule names and no package holds, by id."""
    document: Any = Document
    states = [package.document_state] if package.document_state else list(ARCHIVABLE)
    statement = select(document).where(
        document.id > after, document.state.in_([str(s) for s in states]), in_no_package(document)
    )
    if package.document_class_id is not None:
        with whoever_saves():
            above = holding.parents(changes.session)
        classes = holding.below(above, package.document_class_id)
        statement = statement.where(document.document_class_id.in_(classes))
    if package.least_age:
        day = today() - datetime.timedelta(days=package.least_age)
        statement = statement.where(document.filed_on <= day)
    return statement.order_by(document.id)


def _count(changes: Any, package_id: int) -> int:
    item: Any = ArchiveItem
    statement = select(func.count()).where(item.package_id == package_id, item.deleted_at.is_(None))
    return int(whoever_sees(changes, statement)[0][0])


def collected(changes: Any, package_id: int, left_out: int) -> int:
    """All that was wanted is in: the package waits to be sealed. How many items it has."""
    package = package_in(changes, package_id, PackageState.COLLECTING)
    count = _count(changes, package_id)
    values = {"state": PackageState.OPEN.value, "items": count, "left_out": left_out}
    note(changes, PACKAGE, package, values)
    return count


# -- sealing ---------------------------------------------------------------------------------


def number_some(changes: Any, package_id: int, limit: int) -> int:
    """Give the next items their archival numbers; how many. A number is given with the row that has it."""
    package = package_in(changes, package_id, PackageState.SEALING)
    item: Any = ArchiveItem
    ids = items_of(changes, package_id, item.number.is_(None), limit=limit)
    fonds = changes.session.get(Fonds, package.fonds_id)
    by_series: dict[str, list[Any]] = defaultdict(list)
    for one in changes.session.scalars(select(item).where(item.id.in_(ids)).order_by(item.id)):
        series = f"{fonds.code}-{one.class_code}-{one.year}-{one.period}"
        by_series[series].append(one)
    for series, waiting in sorted(by_series.items()):  # in one order: two jobs never wait crosswise
        places = archives.take(changes, series, len(waiting))
        for one, place in zip(waiting, places, strict=True):
            values = {"number": f"{series}-{place:04}", "series": series, "place": place}
            note(changes, ITEM, one, values)
    return len(ids)


def order_of(session: Any, package_id: int) -> archives.Order:
    """What the package is to hold, read item by item. `session` sees everything."""
    package = session.get(ArchivePackage, package_id)
    fonds = session.get(Fonds, package.fonds_id)
    about = {"number": package.number, "title": package.title, "fonds": fonds.code,
             "fonds_name": fonds.name}  # fmt: skip
    info = {
        "Source-Organization": fonds.name,
        "External-Identifier": package.number,
        "External-Description": package.title,
        "Bagging-Date": today().isoformat(),
        "Bag-Software-Agent": "Steward, bagit",
    }
    return archives.Order(package.number, info, about, lambda: packed(session, package_id))


def packed(session: Any, package_id: int, batch: int = 200) -> Iterator[archives.Packed]:
    """The items with their documents' files, in the order of their numbers' giving."""
    item: Any = ArchiveItem
    after = 0
    while True:
        statement = select(item).where(item.package_id == package_id, item.id > after)
        live = statement.where(item.deleted_at.is_(None)).order_by(item.id).limit(batch)
        rows = list(session.scalars(live))
        if not rows:
            return
        files = _files_of(session, [one.document_id for one in rows])
        for one in rows:
            yield archives.Packed(one.number, values_of(session, one), files[one.document_id])
        after = rows[-1].id
        session.expunge_all()


def values_of(session: Any, one: Any) -> dict[str, Any]:
    """What the metadata says of an item. Raises KeyError for one without its document."""
    document = session.get(Document, one.document_id or 0)
    if document is None:
        raise KeyError(one.document_id)
    return {
        "archival_number": one.number,
        "document_number": document.number,
        "title": one.title,
        "class": one.class_code,
        "year": one.year,
        "retention": one.retention,
        "period": one.period,
        "dated_on": one.dated_on.isoformat() if one.dated_on else None,
        "filed_on": document.filed_on.isoformat() if document.filed_on else None,
        "confidentiality": document.confidentiality,
    }


def _files_of(session: Any, documents: Sequence[int]) -> Mapping[int, list[archives.Piece]]:
    """Every file of every version of these documents, in their order."""
    file, version = _models(DocumentFile, DocumentVersion)
    rows = session.execute(
        select(file.document_id, file.content_id, file.name, version.number, version.in_force)
        .join(version, version.id == file.document_version_id)
        .where(file.document_id.in_(documents), file.content_id.is_not(None))
        .where(file.deleted_at.is_(None), version.deleted_at.is_(None))
        .order_by(file.document_id, version.number, file.id)
    ).all()
    about = [
        (row[1], f"v{row[3]} {row[2]}", {"version": row[3], "in_force": bool(row[4])})
        for row in rows
    ]
    found: dict[int, list[archives.Piece]] = defaultdict(list)
    for row, piece in zip(rows, archives.pieces_of(session, about), strict=True):
        found[row[0]].append(piece)
    return found


def _models(*models: Any) -> Any:
    return models


def place_of(package_id: int) -> str:
    """Where in the store a package lies; the same for every try."""
    return f"archives/{package_id:08}.zip"


def seal(changes: Any, package_id: int, made: archives.Package) -> None:
    """The package is written: from here on it stands for good."""
    package = package_in(changes, package_id, PackageState.SEALING)
    values = {
        "state": PackageState.SEALED.value,
        "seal": made.seal,
        "path": made.path,
        "items": made.records,
        "files": made.files,
        "size": made.size,
        "sealed_at": datetime.datetime.now(datetime.UTC).replace(microsecond=0),
    }
    note(changes, PACKAGE, package, values)
    archives.say_sealed(PACKAGE, package_id, package.number, made)


def archive_some(changes: Any, package_id: int, limit: int) -> int:
    """Archive the next documents of a sealed package; how many."""
    document: Any = Document
    item: Any = ArchiveItem
    statement = (
        select(document)
        .join(item, item.document_id == document.id)
        .where(item.package_id == package_id, item.deleted_at.is_(None))
        .where(document.state.in_(ARCHIVABLE))
        .order_by(document.id)
        .limit(limit)
    )
    found = list(changes.session.scalars(statement))
    for one in found:
        note(changes, DOCUMENT, one, {"state": DocumentState.ARCHIVED.value})
    return len(found)


# -- undoing ---------------------------------------------------------------------------------


def release_some(changes: Any, package_id: int, limit: int) -> int:
    """Take the next items out of a package that is undone; their numbers go back. How many."""
    package_in(changes, package_id, PackageState.DISSOLVING)
    ids = items_of(changes, package_id, limit=limit)
    back: dict[str, list[int]] = defaultdict(list)
    definition = current().entity(ITEM)
    for item_id in ids:
        one = changes.load(definition, item_id, "update")
        if one.number is not None:
            back[one.series].append(one.place)
            note(changes, ITEM, one, dict.fromkeys(("number", "series", "place")))
        changes.trash(definition, item_id)
    for series, places in sorted(back.items()):
        archives.give_back(changes, series, places)
    return len(ids)


def dissolved(changes: Any, package_id: int) -> None:
    """All is out of it."""
    package = package_in(changes, package_id, PackageState.DISSOLVING)
    note(changes, PACKAGE, package, {"state": PackageState.DISSOLVED.value, "items": 0})
    archives.say_undone(PACKAGE, package_id, package.number)


# -- for pages and checks --------------------------------------------------------------------


def _listed(package: Any) -> list[Any]:
    """The items that the viewer may see, by their numbers."""
    from sqlalchemy.orm import object_session

    item: Any = ArchiveItem
    session = object_session(package)
    assert session is not None
    statement = select(item).where(item.package_id == package.id)
    return list(session.scalars(statement.order_by(item.series, item.place, item.id)))


def catalogue(package: Any) -> archives.Catalogue:
    """归档目录: what archivists hand over with the package."""
    label = {n: f.label for n, f in current().entity(ITEM).fields.items()}
    names = ("number", "title", "class_code", "year", "retention", "dated_on")
    kinds: dict[str, Any] = {"year": "integer", "dated_on": "date"}
    listed = _listed(package)
    masked = {n for n in kinds if listed and not archives.plain(listed[0], n)}
    columns = [
        archives.Column(str(label[n]), "text" if n in masked else kinds.get(n, "text"))
        for n in names
    ]
    columns.insert(0, archives.Column(gettext("No."), "integer"))
    rows = [
        [place, *(_shown(one, name, Retention) for name in names)]
        for place, one in enumerate(listed, 1)
    ]
    facts = [
        (str(gettext("Package number")), archives.seen(package, "number")),
        (str(gettext("Title")), archives.seen(package, "title")),
        (str(gettext("Fonds")), _fonds(package, "code", "name")),
        (str(gettext("State")), _shown(package, "state", PackageState)),
        (str(gettext("Items")), str(len(rows))),
        (str(gettext("Seal (SHA-256)")), archives.seen(package, "seal")),
    ]
    told = [(fact, str(value or "")) for fact, value in facts]
    return archives.Catalogue(gettext("Archive catalogue"), told, columns, rows)


def _shown(one: Any, name: str, choices: Any) -> Any:
    """The value as the viewer sees it; of a choice what it is called."""
    value = archives.seen(one, name)
    named = name in ("retention", "state") and value and archives.plain(one, name)
    return str(choices(value).label) if named else value


def _fonds(package: Any, *names: str) -> str:
    """What the viewer sees of the fonds."""
    if package.fonds is None or not archives.plain(package, "fonds"):
        return ""
    return " ".join(str(archives.seen(package.fonds, name) or "") for name in names).strip()


def labels(package: Any) -> list[archives.Label]:
    """A label for each item that has its number."""
    fonds = _fonds(package, "name")
    return [
        archives.Label(
            fonds,
            str(archives.seen(one, "number") or ""),
            str(archives.seen(one, "title") or ""),
            str(_shown(one, "retention", Retention) or ""),
        )
        for one in _listed(package)
        if one.number
    ]


def sealed(session: Any, after: int, limit: int) -> list[archives.Sealed]:
    """Sealed packages, by id."""
    model: Any = ArchivePackage
    statement = select(model).where(model.id > after, model.state == PackageState.SEALED.value)
    rows = session.scalars(statement.order_by(model.id).limit(limit))
    return [archives.Sealed(p.id, p.number, p.path, p.seal, p.size) for p in rows]


def check(session: Any) -> Iterator[str]:
    """Numbers: every one of a series that was given has one item, and no other is there."""
    item: Any = ArchiveItem
    statement = select(item.series).where(item.series.is_not(None)).distinct().order_by(item.series)
    for series in list(session.scalars(statement)):
        rows = session.execute(select(item.place, item.number).where(item.series == series)).all()
        there = sorted(row[0] for row in rows)
        wanted = sorted(archives.given(session, series))
        if there != wanted:
            yield f"{series}: gaps or doubles among its numbers: {_differing(there, wanted)}"
        for place, number in rows:
            if number != f"{series}-{place:04}":
                yield f"{number}: not the number of place {place} in {series}"


def _differing(there: Sequence[int], wanted: Sequence[int]) -> list[int]:
    doubles = {one for one, times in Counter(there).items() if times > 1}
    return sorted((set(there) ^ set(wanted)) | doubles)[:10]


def compare(session: Any, one: archives.Sealed, said: Mapping[str, Any]) -> Iterator[str]:
    """Whether the rows say of a package's items what the package itself says."""
    rows = {
        record.folder: {
            **record.values,
            "files": sorted((piece.sha256, piece.size) for piece in record.pieces),
        }
        for record in packed(session, one.id)
    }
    there = {
        record["archival_number"]: {
            **{name: value for name, value in record.items() if name != "files"},
            "files": sorted((file["sha256"], file["size"]) for file in record["files"]),
        }
        for record in said["records"]
    }
    for number in sorted(rows.keys() | there.keys()):
        if rows.get(number) != there.get(number):
            yield f"{one.number}: {number}: its rows do not agree with the package"


archives.declare(
    archives.Archive(
        PACKAGE,
        catalogue,
        labels,
        sealed,
        check,
        compare,
        (DOCUMENT, "DocumentVersion", "DocumentFile"),
    )
)

__all__ = ["archive_some", "collect_some", "collected", "dissolved", "number_some", "order_of",
           "release_some", "seal"]  # fmt: skip
