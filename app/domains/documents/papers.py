"""Required papers: which of those that classes ask for are missing in the folder of a record.

A folder is what is filed under one record: under an order, a ticket, an evaluation run or the like
where a document names one, else under its customer. A document of a class that asks for papers wants
them in its own folder; a paper is there once a document of its class, or of one below, is in force.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import or_, select

from app.domains.documents.choices import FILED, Papers
from app.domains.documents.holding import line
from app.engine import figures
from app.engine.events import on

FOLDERS = ("order", "ticket", "interaction", "task", "evaluation_run", "customer")
"""The references of a document to what it is filed under, the narrowest first."""

_COUNTED = frozenset(state.value for state in FILED)

Folder = tuple[str, int]


@dataclass(frozen=True)
class Required:
    """A paper that a class asks for."""

    id: int
    document_class: int
    paper_class: int


@dataclass(frozen=True)
class Rules:
    """The tree of classes and what is required, as of one change set."""

    above: Mapping[int, int | None]
    required: Mapping[int, Sequence[Required]]
    """By the class that asks for them."""

    def of(self, class_id: int | None) -> list[Required]:
        """What a document of the class asks for, by its class and those above."""
        return [one for level in line(self.above, class_id) for one in self.required.get(level, ())]

    def missing(self, class_id: int | None, there: Collection[int]) -> list[Required]:
        """What of it is missing where documents of these classes are there."""
        levels = {level for one in there for level in line(self.above, one)}
        return [one for one in self.of(class_id) if one.paper_class not in levels]


_known: WeakKeyDictionary[Any, Rules] = WeakKeyDictionary()


def rules_of(changes: Any) -> Rules:
    """The rules, read once for all that is done in this change set."""
    if changes not in _known:
        classes, papers = figures.Source("DocumentClass"), figures.Source("RequiredPaper")
        required: dict[int, list[Required]] = defaultdict(list)
        names = ("id", "document_class", "paper_class")
        statement = select(*(papers[name] for name in names)).where(papers.live)
        for row in figures.looked_up(changes, statement):
            required[row[1]].append(Required(*row))
        above = {}
        if required:
            statement = select(classes["id"], classes["parent"])
            above = {row[0]: row[1] for row in figures.looked_up(changes, statement)}
        _known[changes] = Rules(above, required)
    return _known[changes]


def folder_of(value_of: Any) -> Folder | None:
    """The folder in which a document lies; `value_of` gives its values by field."""
    for name in FOLDERS:
        if value_of(name) is not None:
            return name, value_of(name)
    return None


def missing_in(changes: Any, folder: Folder) -> list[Required]:
    """Which required papers are missing in the folder of a record, over all documents in it."""
    found: dict[int, Required] = {}
    rules, rows = rules_of(changes), _rows(changes, [folder])
    there = {row["document_class"] for row in rows if row["state"] in _COUNTED}
    for row in rows:
        for one in rules.missing(row["document_class"], there):
            found[one.paper_class] = one
    return list(found.values())


def missing_for(changes: Any, document: Any) -> list[Required]:
    """Which papers the document asks for and its folder lacks; without a folder, all of them."""
    folder = folder_of(lambda name: getattr(document, f"{name}_id"))
    there: set[int] = set()
    if folder is not None:
        rows = _rows(changes, [folder])
        there = {row["document_class"] for row in rows if row["state"] in _COUNTED}
    return rules_of(changes).missing(document.document_class_id, there)


def _rows(changes: Any, folders: Collection[Folder] | None) -> list[dict[str, Any]]:
    """The documents in these folders; of all of them for None."""
    source = figures.Source("Document")
    names = ("id", "document_class", "state", "papers", "missing_papers", *FOLDERS)
    statement = select(*(source[name] for name in names)).where(source.live)
    if folders is not None:
        by_name: dict[str, list[int]] = defaultdict(list)
        for name, record_id in folders:
            by_name[name].append(record_id)
        statement = statement.where(or_(*(source[n].in_(ids) for n, ids in by_name.items())))
    rows = figures.looked_up(changes, statement)
    return [dict(zip(names, row, strict=True)) for row in rows]


def note(changes: Any, folders: Collection[Folder] | None = None) -> int:
    """Note on the documents in these folders, or on all, whether papers are missing; on how many anew."""
    rules = rules_of(changes)
    rows = _rows(changes, folders)
    there: dict[Folder, set[int]] = defaultdict(set)
    for row in rows:
        if row["state"] in _COUNTED:
            for name in FOLDERS:
                if row[name] is not None:
                    there[name, row[name]].add(row["document_class"])
    wanted: dict[tuple[str | None, int | None], list[int]] = defaultdict(list)
    for row in rows:
        folder = folder_of(row.get)
        if folders is not None and folder not in folders:
            continue
        answer = _answer(
            rules, row["document_class"], there.get(folder, set()) if folder else set()
        )
        if answer != (row["papers"], row["missing_papers"]):
            wanted[answer].append(row["id"])
    for (papers, missing), ids in wanted.items():
        figures.keep(changes, "Document", {"papers": papers, "missing_papers": missing}, ids)
    return sum(map(len, wanted.values()))


def _answer(rules: Rules, class_id: int, there: Collection[int]) -> tuple[str | None, int | None]:
    """What is noted: nothing for a class that asks for none."""
    if not rules.of(class_id):
        return None, None
    missing = len(rules.missing(class_id, there))
    return (Papers.MISSING.value if missing else Papers.COMPLETE.value), missing


def _on_document(changes: Any, document: Any) -> None:
    """A document has come, gone or changed: so may what is missing beside it."""
    if not rules_of(changes).required:
        return
    folders = [
        (name, getattr(document, f"{name}_id"))
        for name in FOLDERS
        if getattr(document, f"{name}_id") is not None
    ]
    if folders:
        note(changes, folders)
    else:
        _note_alone(changes, document)


def _note_alone(changes: Any, document: Any) -> None:
    papers, missing = _answer(rules_of(changes), document.document_class_id, ())
    if (papers, missing) != (document.papers, document.missing_papers):
        values = {"papers": papers, "missing_papers": missing}
        figures.keep(changes, "Document", values, [document.id])


def _on_rules(changes: Any, _record: Any) -> None:
    """What is required has changed: of all documents it is worked out anew."""
    _known.pop(changes, None)
    note(changes)


for _kind in ("created", "updated", "trashed", "restored", "moved"):
    on("Document", _kind)(_on_document)
for _kind in ("created", "updated", "trashed", "restored"):
    on("RequiredPaper", _kind)(_on_rules)


__all__ = ["FOLDERS", "Required", "folder_of", "missing_for", "missing_in", "note", "rules_of"]
