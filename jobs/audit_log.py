"""Writes exports of the audit log and puts them into the store."""

from __future__ import annotations

import hashlib
from typing import Any

from app.engine import audit, policy
from app.engine.adapters.database import now
from app.engine.adapters.storage import store
from app.engine.job import Run, scratch
from app.engine.surfaces.audit_log import Wanted, write
from app.engine.surfaces.audit_log.export import MEDIA_TYPES


def export(run: Run) -> dict[str, Any]:
    """Write what the arguments say; run again it writes the same file anew."""
    ending, wanted = str(run.arguments["format"]), Wanted.parse(run.arguments["wanted"])
    path = f"exports/{run.id}"
    audit.seal()
    with scratch.folder() as folder:
        file = folder / "file"
        rows = write(file, ending, wanted, run.progress)
        with file.open("rb") as content:
            proof = hashlib.file_digest(content, "sha256").hexdigest()
        size = store().save(path, file)
    details = {"format": ending, "entries": rows, "sha256": proof, "wanted": dict(wanted.pairs())}
    run.then(
        lambda _session, job: audit.record("audit.exported", details={**details, "job": job.id})
    )
    name = f"audit-{now():%Y%m%d}.{ending}"
    result = {"file": path, "name": name, "type": MEDIA_TYPES[ending], "rows": rows}
    result["right"] = [policy.AUDIT, "export"]
    return {**result, "size": size, "sha256": proof}
