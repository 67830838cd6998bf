"""Takes the demonstration data away."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from app.engine import registry
from app.engine.job import WARNING, Run
from seeds import demo


def remove(run: Run) -> dict[str, Any]:
    """All of it in one transaction; run again it finds nothing more to take away."""
    report = demo.remove(hold=run.hold)
    entities = registry.current().entities
    for name, count in report.removed.items():
        run.log(_("%(entities)s: %(count)s", entities=entities[name].plural, count=count))
    for one in report.left:
        run.log(_("Stays: %(what)s. %(why)s", what=one["title"], why=one["why"]), WARNING)
    return {"removed": sum(report.removed.values()), "kept": report.kept, "page": "/demo/"}
