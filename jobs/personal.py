"""Reports on one person, and the erasing of what is held on them."""

from __future__ import annotations

import hashlib
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import OperationalError

from app.engine import audit, personal, policy, registry
from app.engine.adapters.storage import store
from app.engine.job import WARNING, Run, scratch

_TYPES = {
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def report(run: Run) -> dict[str, Any]:
    """Write the report that the arguments ask for; run again it is written anew."""
    policy.current_viewer().require(policy.PERSONAL_DATA, "export")
    wanted = run.arguments
    definition = registry.current().entity(wanted["entity"])
    with policy.unrestricted("all that is held on a person, for those with the right") as session:
        found = personal.gather(session, definition, int(wanted["record"]))
    path = f"exports/{run.id}"
    with scratch.folder() as folder:
        file = folder / "file"
        rows = personal.write(found, wanted["format"], file)
        content = file.read_bytes()
        store().save(path, file)
    audit.record("personal.report", entity=definition.name, record_id=int(wanted["record"]))
    return {
        "file": path,
        "name": f"{definition.key}-{wanted['record']}-personal-data.{wanted['format']}",
        "type": _TYPES[wanted["format"]],
        "rows": rows,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "right": [policy.PERSONAL_DATA, "export"],
    }


def erase(run: Run) -> dict[str, Any]:
    """Erase what the order says, once; what is left then is that the database's files forget it."""
    order = personal.Order.from_json(run.arguments)
    proof_id = (run.job.result or {}).get("proof")
    if proof_id is None:
        proof_id = personal.erase(order, run.hold, lambda s, i: run.hold(s, result={"proof": i}))
        run.log(_("Erased. Proof number %(number)s.", number=proof_id))
    try:
        compact = personal.compact()
    except OperationalError:  # somebody else is at the whole database just now
        compact = False
    if not compact:
        run.log(
            _(
                "The database's files still hold freed pages with old values; "
                "whoever runs the database has to VACUUM it."
            ),
            WARNING,
        )
    return {"proof": proof_id, "page": f"/personal/erasures/{proof_id}"}
