"""Archive packages: what is archived together, under which fonds, and item by item with its archival number."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import exists, select

from app.domains.documents.choices import DocumentState, Retention
from app.domains.documents.document import Document
from app.domains.documents.keeping import NOTED
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.errors import InvalidInput
from app.engine.events import on
from app.engine.fields import Boolean, Choice, Date, DateTime, Integer, Reference, Serial, Text
from app.engine.fields.number import within
from app.engine.holds import Hold, guards
from app.engine.job import RUNNING, WAITING, Job, JobKind, declare, request_job
from app.engine.onward import note, whoever_sees
from app.engine.rules import Saving, rule, whoever_saves
from app.engine.states import Move

WHAT, CHOSEN, HELD = _("Package"), _("What is archived"), _("What it holds")
MOST_ITEMS = 5_000
"""Of a package: a larger one is neither handed over nor checked in one go."""


class PackageState(Choices):
    """How far a package has come; once it is sealed nothing of it changes any more."""

    COLLECTING = "collecting", _("Collecting"), "blue"
    OPEN = "open", _("To be sealed"), "yellow"
    SEALING = "sealing", _("Being sealed"), "blue"
    SEALED = "sealed", _("Sealed"), "green"
    DISSOLVING = "dissolving", _("Being undone"), "gray"
    DISSOLVED = "dissolved", _("Undone"), "gray"


HOLDING = (PackageState.COLLECTING, PackageState.OPEN, PackageState.SEALING)
"""In these, documents in it wait and stay as they are."""

COLLECT = declare(JobKind("archive.collect", _("Collecting documents for the archive")))
SEAL = declare(JobKind("archive.seal", _("Sealing an archive package")))
DISSOLVE = declare(JobKind("archive.dissolve", _("Undoing an archive package")))

JOBS = {
    PackageState.COLLECTING: COLLECT,
    PackageState.SEALING: SEAL,
    PackageState.DISSOLVING: DISSOLVE,
}
"""The job that works on a package in each state. What they do is in jobs/."""

MOVES = (
    Move("seal", _("Seal"), ("open",), "sealing", "approve", icon="lock"),
    Move("dissolve", _("Undo the package"), ("collecting", "open", "sealing"), "dissolving",
         "approve", icon="arrow-back-up"),
)  # fmt: skip
WRITTEN = frozenset({
    "state", "items", "files", "size", "left_out", "seal", "path", "sealed_at", "asked",
})  # fmt: skip
"""What the jobs write of a package that is being sealed."""


class Fonds(
    Entity,
    area="documents",
    label=_("Fonds"),
    plural=_("Fonds"),
    icon="building-bank",
    title="name",
    order="code",
    key="code",
):
    """Whose archive it is: a company or one of its branches; its code begins each archival number."""

    code = Text(_("Fonds code"), required=True, unique=True, max_length=20, code=True, search=True,
                in_list=True, synonyms=("全宗号",))  # fmt: skip
    name = Text(_("Name of the fonds"), required=True, max_length=100, search=True, in_list=True,
                synonyms=("全宗名称",))  # fmt: skip
    active = Boolean(_("In use"), default=True, in_list=True)


class ArchivePackage(
    Entity,
    area="documents",
    label=_("Archive package"),
    plural=_("Archive packages"),
    icon="package",
    title="title",
    registered=True,
):
    """Documents that are archived together: chosen by a rule or by hand, checked, and sealed for good."""

    number = Serial(_("Package number"), pattern="A{date:%Y}-{n:04}", in_list=True, group=WHAT)
    title = Text(_("Title"), required=True, max_length=200, search=True, in_list=True, group=WHAT)
    fonds = Reference("Fonds", _("Fonds"), required=True, in_list=True, group=WHAT)
    state = Choice(
        _("State"),
        PackageState,
        moves=MOVES,
        begins=(PackageState.COLLECTING, PackageState.OPEN),
        default=PackageState.OPEN,
        required=True,
        in_list=True,
        in_form=False,
        group=WHAT,
    )
    by_rule = Boolean(
        _("Chosen by rule"),
        default=True,
        group=CHOSEN,
        hint=_("Else items are added by hand, on the page of the package."),
    )
    document_class = Reference("DocumentClass", _("Of this class and those below"), group=CHOSEN)
    document_state = Choice(
        _("In this state"),
        DocumentState,
        group=CHOSEN,
        hint=_("Empty: what is in force or superseded."),
    )
    least_age = Integer(
        _("Filed at least so many days ago"), check=within(0, 40_000), default=0, group=CHOSEN
    )
    items = Integer(_("Number of items"), read_only=True, in_form=False, in_list=True, group=HELD)
    left_out = Integer(_("Left out as incomplete"), read_only=True, in_form=False, group=HELD)
    files = Integer(_("Number of files"), read_only=True, in_form=False, group=HELD)
    size = Integer(_("Size in bytes"), read_only=True, in_form=False, group=HELD)
    sealed_at = DateTime(_("Sealed at"), with_time=True, read_only=True, in_form=False,
                         in_list=True, group=HELD)  # fmt: skip
    seal = Text(_("Seal (SHA-256)"), max_length=64, read_only=True, in_form=False, group=HELD)
    path = Text(_("Place in the store"), max_length=100, internal=True)
    asked = Text(_("Asked for"), max_length=20, internal=True)

    @rule
    def is_chosen_in_one_way(saving: Saving) -> None:  # noqa: N805
        values = saving.values
        if saving.new:
            by_rule = bool(values.get("by_rule"))
            first = PackageState.COLLECTING if by_rule else PackageState.OPEN
            values["state"] = first.value
        wanted = values.get("document_state")
        if wanted and wanted not in ARCHIVABLE:
            saving.problem("document_state", _("Only what is in force or superseded is archived."))

    @rule
    def is_left_alone_while_a_job_is_at_it(saving: Saving) -> None:  # noqa: N805
        before, after = saving.before.get("state"), saving.values.get("state")
        undoing = before != after and after == PackageState.DISSOLVING
        if undoing and saving.record_id and is_at_work(saving.changes, saving.record_id):
            saving.problem("state", _("A job is at work on it: cancel that first."))


ARCHIVABLE = (DocumentState.IN_FORCE, DocumentState.SUPERSEDED)
"""In these a document can be archived."""


class ArchiveItem(
    Entity,
    area="documents",
    label=_("Archive item"),
    plural=_("Archive items"),
    icon="file-certificate",
    title="title",
    order="number",
    scope_through="document",
    parent="package",
    unique_together=(("package", "document"),),
    registered=True,
):
    """A document in a package; sealed, it has an archival number."""

    package = Reference(
        "ArchivePackage", _("Archive package"), required=True, in_list=True, on_delete="cascade"
    )
    document = Reference("Document", _("Document"), required=True, in_list=True)
    only_of = Integer(_("Only item of document"), internal=True, unique=True)
    number = Text(_("Archival number"), max_length=80, unique=True, search=True, code=True,
                  read_only=True, in_form=False, in_list=True)  # fmt: skip
    title = Text(_("Title"), max_length=200, read_only=True, in_form=False, in_list=True)
    class_code = Text(_("Class code"), max_length=20, read_only=True, in_form=False)
    year = Integer(_("Year"), read_only=True, in_form=False, in_list=True)
    retention = Choice(_("Retention period"), Retention, read_only=True, in_form=False,
                       in_list=True)  # fmt: skip
    period = Text(_("Code of the period"), max_length=10, internal=True)
    dated_on = Date(_("Dated"), read_only=True, in_form=False, in_list=True)
    series = Text(_("Series"), max_length=70, internal=True, index=True)
    place = Integer(_("Place in the series"), read_only=True, in_form=False)

    @rule
    def may_be_archived(saving: Saving) -> None:  # noqa: N805
        from app.domains.documents import archiving

        if saving.new or saving.changed("document") or saving.changed("package"):
            archiving.check_item(saving)


def is_at_work(changes: Any, package_id: int) -> bool:
    """Whether a job waits for the package, or is at it."""
    statement = select(Job).where(
        Job.kind.in_([kind.name for kind in JOBS.values()]), Job.state.in_((WAITING, RUNNING))
    )
    jobs = changes.session.scalars(statement)
    return any(job.arguments.get("package") == package_id for job in jobs)


def ask(changes: Any, package: Any) -> None:
    """Have a job work on the package as its state wants, once for each state."""
    kind = JOBS.get(package.state)
    if kind is None or package.asked == package.state:
        return
    with whoever_saves():
        note(changes, "ArchivePackage", package, {"asked": str(package.state)})
    title = _("%(what)s %(number)s", what=kind.label, number=package.number)
    request_job(kind.name, {"package": package.id}, kind.queue, title)


on("ArchivePackage", "created")(ask)
on("ArchivePackage", "updated")(ask)


# -- what stays as it is ---------------------------------------------------------------------


@on("ArchivePackage", "undoing")
def package_goes_on(changes: Any, package: Any) -> None:
    """Raises InvalidInput: a package is undone as a whole, by its own step."""
    if package.asked is not None:
        raise InvalidInput.of(None, _("A package is undone on its own page, until it is sealed."))


@guards("ArchivePackage")
def packages(session: Any, ids: Collection[int]) -> dict[int, list[Hold]]:
    """A sealed package stays; one that is being sealed is the job's."""
    model: Any = ArchivePackage
    rows = session.execute(select(model.id, model.state).where(model.id.in_(ids))).all()
    return {
        one: [Hold(_SEALED, None, WRITTEN if state == PackageState.SEALING else frozenset())]
        for one, state in rows
        if state in (PackageState.SEALING, PackageState.SEALED)
    }


@guards("ArchiveItem")
def items(session: Any, ids: Collection[int]) -> dict[int, list[Hold]]:
    """What lies in a sealed package stays as it is."""
    item, package = _models(ArchiveItem, ArchivePackage)
    rows = session.execute(
        select(item.id, package.state)
        .join(package, package.id == item.package_id)
        .where(item.id.in_(ids), package.state.in_((PackageState.SEALING, PackageState.SEALED)))
    ).all()
    numbered = frozenset({"number", "series", "place"})
    return {
        one: [Hold(_SEALED, None, numbered if state == PackageState.SEALING else frozenset())]
        for one, state in rows
    }


@guards("Document")
def documents(session: Any, ids: Collection[int]) -> dict[int, list[Hold]]:
    """A document in a package stays as it is, from the check of its papers on."""
    item, package = _models(ArchiveItem, ArchivePackage)
    document: Any = Document
    rows = session.execute(
        select(item.document_id, package.number, package.state)
        .join(package, package.id == item.package_id)
        .join(document, document.id == item.document_id)
        .where(item.document_id.in_(ids), item.deleted_at.is_(None))
        .where(package.state.in_((*HOLDING, PackageState.SEALED)))
        .where(document.state.in_(ARCHIVABLE))
    ).all()
    return {
        one: [
            Hold(
                _("It is in archive package %(number)s.", number=number),
                None,
                NOTED | {"state"} if state == PackageState.SEALED else NOTED,
            )
        ]
        for one, number, state in rows
    }


_SEALED = _("The package is sealed.")


def _models(*models: Any) -> Any:
    return models


def in_no_package(document: Any) -> Any:
    """The condition that a document is in none."""
    item: Any = ArchiveItem
    return ~exists().where(item.document_id == document.id, item.deleted_at.is_(None))


def items_of(
    changes: Any, package_id: int, *conditions: Any, limit: int | None = None
) -> list[Any]:
    """The live items of a package, whoever may see them."""
    item: Any = ArchiveItem
    statement = select(item.id).where(
        item.package_id == package_id, item.deleted_at.is_(None), *conditions
    )
    rows = whoever_sees(changes, statement.order_by(item.id).limit(limit))
    return [row[0] for row in rows]


__all__ = ["ArchiveItem", "ArchivePackage", "Fonds", "PackageState"]
