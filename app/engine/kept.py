"""What keeps a record, in words for its page; and where another hold is put on it."""

from __future__ import annotations

from app.engine import policy
from app.engine.adapters.database import db
from app.engine.addresses import has_page, list_address, with_query
from app.engine.changes.guarding import standing
from app.engine.holds import is_guarded
from app.engine.registry import EntityDefinition, current

HOLD = "LegalHold"
CHANGED, STAYS = "info", "warning"
"""How it is said that a record can't be deleted, and that it can't be changed either."""


def notices(definition: EntityDefinition, record_id: int) -> list[tuple[str, str]]:
    """Each hold that guards have on the record: why, and until when."""
    found = standing(db.session(), definition, [record_id]).get(record_id, ())
    return [(CHANGED if hold.free is None else STAYS, str(hold.refusal)) for hold in found]


def hold_href(definition: EntityDefinition, record_id: int) -> str | None:
    """The form of a new hold on a record that guards watch, for those who may add one."""
    holding = current().entity(HOLD)
    address = f"{list_address(holding)}add"
    if not is_guarded(definition.name) or definition is holding or not has_page(address):
        return None
    if not policy.current_viewer().can(HOLD, "create"):
        return None
    return with_query(address, [("entity", str(definition.label)), ("record", record_id)])
