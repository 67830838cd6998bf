"""Relations between customers: parent and subsidiary, partner, who referred whom."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select

from app.domains.customers.customer import Customer
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.fields import Choice, Reference, Text
from app.engine.graphs import Graph
from app.engine.onward import whoever_sees
from app.engine.rules import Saving, rule

FARTHEST = 100
"""Generations that are followed upwards; no group of companies has so many."""


class RelationKind(Choices):
    """What the other one is to the customer."""

    PARENT = "parent", _("Parent company"), "purple"
    SUBSIDIARY = "subsidiary", _("Subsidiary"), "blue"
    PARTNER = "partner", _("Partner"), "green"
    REFERRER = "referrer", _("Referred by"), "yellow"
    REFERRED = "referred", _("Has referred"), "cyan"


INVERSE = {
    "parent": "subsidiary",
    "subsidiary": "parent",
    "partner": "partner",
    "referrer": "referred",
    "referred": "referrer",
}
"""What the customer then is to the other one."""


class CustomerRelation(
    Entity,
    area="customers",
    label=_("Relation"),
    plural=_("Relations"),
    icon="sitemap",
    title="kind",
    scope_through="customer",
    parent="customer",
    graph=Graph(_("Relations"), "customer", "other", "kind", INVERSE),
):
    """One customer is another one's parent, subsidiary, partner, or has referred it to us."""

    customer = Reference(
        "Customer", _("Customer"), required=True, in_list=True, on_delete="cascade"
    )
    kind = Choice(
        _("Relation"),
        RelationKind,
        required=True,
        in_list=True,
        hint=_("What the other one is to the customer."),
        synonyms=("关系", "关系类型", "relation"),
    )
    other = Reference(
        "Customer",
        _("Other customer"),
        required=True,
        in_list=True,
        on_delete="cascade",
        synonyms=("关联客户", "对方"),
    )
    remark = Text(_("Remark"), max_length=200, in_list=True, synonyms=("备注",))

    @rule
    def not_with_itself(saving: Saving) -> None:  # noqa: N805
        if saving.values["customer"] == saving.values["other"]:
            saving.problem("other", _("A customer has no relation to itself."))

    @rule
    def said_once(saving: Saving) -> None:  # noqa: N805
        """From whichever side: a parent's subsidiary has it as parent."""
        values = saving.values
        one, other, kind = values["customer"], values["other"], values["kind"]
        model: Any = CustomerRelation
        same = select(model.id).where(
            model.deleted_at.is_(None),
            or_(
                (model.customer_id == one) & (model.other_id == other) & (model.kind == kind),
                (model.customer_id == other)
                & (model.other_id == one)
                & (model.kind == INVERSE[kind]),
            ),
        )
        _hold(saving.changes, one, other)
        found = {row[0] for row in whoever_sees(saving.changes, same)} - {saving.record_id}
        if found:
            saving.problem("other", _("This relation is there already."))

    @rule
    def no_loop(saving: Saving) -> None:  # noqa: N805
        """Nobody is their own grandparent, by however many steps."""
        values = saving.values
        if values["kind"] not in ("parent", "subsidiary"):
            return
        child, parent = values["customer"], values["other"]
        if values["kind"] == "subsidiary":
            child, parent = parent, child
        if child in _above(saving.changes, parent, saving.record_id):
            saving.problem(
                "other", _("The parent would be its own subsidiary, over one or more steps.")
            )


def _hold(changes: Any, *customer_ids: int) -> None:
    """Two people who relate the same customers at once wait for each other."""
    model: Any = Customer
    statement = select(model.id).where(model.id.in_(customer_ids)).order_by(model.id)
    changes.session.execute(statement.with_for_update()).all()


def _above(changes: Any, customer_id: int, without: int | None) -> set[int]:
    """The customer and every one above it, generation by generation."""
    model: Any = CustomerRelation
    seen = fresh = {customer_id}
    for _generation in range(FARTHEST):
        statement = select(model.id, model.customer_id, model.other_id, model.kind).where(
            model.deleted_at.is_(None),
            or_(
                (model.kind == "parent") & model.customer_id.in_(fresh),
                (model.kind == "subsidiary") & model.other_id.in_(fresh),
            ),
        )
        rows = [row for row in whoever_sees(changes, statement) if row[0] != without]
        parents = {row[2] if row[3] == "parent" else row[1] for row in rows}
        fresh = parents - seen
        if not fresh:
            break
        seen = seen | fresh
    return seen
