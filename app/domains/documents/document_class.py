"""The tree of classes: what a document is, how long it is kept, and which papers belong with it."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.domains.documents.choices import Beginning, Confidentiality, Retention
from app.engine.areas import Area
from app.engine.entity import Entity
from app.engine.errors import InvalidInput
from app.engine.events import on
from app.engine.fields import Boolean, Choice, Integer, Reference, Text
from app.engine.fields.number import within
from app.engine.graphs import Tree
from app.engine.rules import Saving, rule, whoever_saves

Area("documents", _("Documents"))

KEPT = _("Retention")
USUAL = _("Usual for its documents")
MOST_YEARS = 200
DEEPEST = 12
"""Levels of the tree; more are a circle."""


class DocumentClass(
    Entity,
    area="documents",
    label=_("Document class"),
    plural=_("Document classes"),
    icon="folders",
    title="name_zh",
    order="code",
    key="code",
    titles={"en": "name_en"},
    tree=Tree("parent", "Document", "document_class"),
):
    """A kind of documents, as a branch of the tree; what it says of retention its documents get."""

    code = Text(_("Class code"), required=True, unique=True, max_length=20, code=True, search=True,
                in_list=True, hint=_("Begins the numbers of its documents."),
                synonyms=("类目号", "分类号", "code"))  # fmt: skip
    name_zh = Text(_("Chinese name"), required=True, max_length=80, search=True, in_list=True)
    name_en = Text(_("English name"), required=True, max_length=80, search=True, in_list=True)
    parent = Reference("DocumentClass", _("Class above"), in_list=True)
    retention = Choice(
        _("Retention period"),
        Retention,
        required=True,
        default=Retention.YEARS_10,
        in_list=True,
        group=KEPT,
    )
    retention_years = Integer(
        _("Years"),
        check=within(1, MOST_YEARS),
        group=KEPT,
        hint=_("Where the period is of other years."),
    )
    counted_from = Choice(
        _("Counted from"),
        Beginning,
        required=True,
        default=Beginning.FILING,
        in_list=True,
        group=KEPT,
    )
    confidentiality = Choice(
        _("Confidentiality"),
        Confidentiality,
        required=True,
        default=Confidentiality.INTERNAL,
        in_list=True,
        group=USUAL,
    )
    active = Boolean(_("In use"), default=True, in_list=True, group=USUAL)

    @rule
    def says_how_many_years(saving: Saving) -> None:  # noqa: N805
        check_years(saving)

    @rule
    def no_circle(saving: Saving) -> None:  # noqa: N805
        if saving.changed("parent") and saving.record_id is not None:
            with whoever_saves():
                found = is_below(
                    saving.changes.session, saving.values.get("parent"), saving.record_id
                )
            if found:
                saving.problem("parent", CIRCLE)


CIRCLE = _("A class can't belong to one below itself.")


def check_years(saving: Saving) -> None:
    """Other years say how many; where the period is a usual one there is nothing to say."""
    values = saving.values
    if values.get("retention") != Retention.CUSTOM:
        values["retention_years"] = None
    elif values.get("retention_years") is None:
        saving.problem("retention_years", _("Say how many years."))


def is_below(session: Any, class_id: int | None, above: int) -> bool:
    """Whether a class is the other one, or lies below it."""
    model: Any = DocumentClass
    for _level in range(DEEPEST):
        if class_id is None or class_id == above:
            return class_id is not None
        class_id = session.scalar(select(model.parent_id).where(model.id == class_id))
    return True  # deeper than any tree may be


@on("DocumentClass", "undoing")
def _no_circle_by_undoing(changes: Any, record: Any) -> None:
    if record.parent_id is not None and is_below(changes.session, record.parent_id, record.id):
        raise InvalidInput.of("parent", CIRCLE)


class RequiredPaper(
    Entity,
    area="documents",
    label=_("Required paper"),
    plural=_("Required papers"),
    icon="checklist",
    title="name_zh",
    titles={"en": "name_en"},
    order="document_class",
    unique_together=(("document_class", "paper_class"),),
    parent="document_class",
):
    """A paper that has to lie in the folder of every document of a class, and of those below it."""

    document_class = Reference(
        "DocumentClass", _("Document class"), required=True, in_list=True, on_delete="cascade"
    )
    paper_class = Reference(
        "DocumentClass",
        _("Class of the paper"),
        required=True,
        in_list=True,
        on_delete="cascade",
        hint=_(
            "A document of this class, or of one below it, must be filed under the same record."
        ),
    )
    name_zh = Text(_("Chinese name"), required=True, max_length=80, in_list=True)
    name_en = Text(_("English name"), required=True, max_length=80, in_list=True)


__all__ = ["CIRCLE", "DocumentClass", "RequiredPaper", "check_years", "is_below"]
