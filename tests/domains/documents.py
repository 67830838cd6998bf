"""What the tests of documents share: papers brought where a test needs them."""

from __future__ import annotations

from typing import Any

from app.engine import registry
from app.engine.changes import change_set
from tests.factories import make


def definition(name: str = "Document") -> registry.EntityDefinition:
    return registry.current().entity(name)


def update(record: Any, entity: str = "Document", /, **values: Any) -> Any:
    with change_set("form") as changes:
        return changes.update(definition(entity), record.id, values)


def fresh(record: Any, entity: str = "Document") -> Any:
    with change_set("form") as changes:
        return changes.load(definition(entity), record.id, "read", trash=True)


def act(record: Any, name: str, entity: str = "Document", **values: Any) -> int | None:
    """An action as a record's page does it; gives the change set."""
    action = next(a for a in definition(entity).model.actions if a.name == name)
    with change_set("action") as changes:
        found = changes.load(definition(entity), record.id, action.right)
        assert action.offered(found), name
        action.run(changes, found, values)
    return changes.id


def trash(record: Any, entity: str = "Document") -> None:
    with change_set("form") as changes:
        changes.trash(definition(entity), record.id)


def in_force(**values: Any) -> Any:
    """A document in force, with one version."""
    document = make("Document", **values)
    make("DocumentVersion", document=document.id)
    update(document, state="in_review")
    return update(document, state="in_force")


def archived(**values: Any) -> Any:
    """A document in the archive."""
    return update(in_force(**values), state="archived")


def hold(record: Any, entity: str = "Document", **values: Any) -> Any:
    return make("LegalHold", entity=entity, record=record.id, **values)


def release(one: Any, why: str = "案件已结") -> None:
    act(one, "release", "LegalHold", release_reason=why)
