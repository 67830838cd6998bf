"""Downloads of an import: the template before it, the refused rows after it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from flask import send_file
from flask_babel import gettext

from app.engine import audit
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.errors import NotFound
from app.engine.registry import EntityDefinition
from app.engine.surfaces.imports.files import FORMATS, write_refused
from app.engine.surfaces.imports.models import CHECKED
from app.engine.surfaces.imports.pages import found
from app.engine.surfaces.imports.templates import write_choices, write_template


class ImportDownloads(Pages):
    """/import/<key>/template.<format>, /import/<key>/choices.csv and /import/<key>/<id>/refused"""

    @expose("/import/<key>/template.<format>")
    @entity_page("import")
    def template(self, definition: EntityDefinition, format: str) -> Any:
        """A file to fill in, with headers in the reader's language."""
        if format not in FORMATS:
            raise NotFound

        def write(path: Path) -> str:
            write_template(definition, format, path)
            return format

        name = gettext("%(entities)s, template", entities=definition.plural)
        return _sent(write, str(name))

    @expose("/import/<key>/choices.csv")
    @entity_page("import")
    def choices(self, definition: EntityDefinition) -> Any:
        """What the cells of a file may hold where there is a choice."""

        def write(path: Path) -> str:
            write_choices(definition, path)
            return "csv"

        name = gettext("%(entities)s, choices", entities=definition.plural)
        return _sent(write, str(name))

    @expose("/import/<key>/<int:run_id>/refused")
    @entity_page("import")
    def refused(self, definition: EntityDefinition, run_id: int) -> Any:
        """The rows that were refused, with the reasons, to be mended and imported again."""
        run, _job = found(definition, run_id)
        known = run.plan if run.state == CHECKED else run.counts
        if not known or not known.get("refused"):
            raise NotFound
        details = {"import": run_id, "refused": known["refused"]}
        audit.record("download", entity=definition.name, details=details)
        stem = PurePath(run.file_name).stem
        name = gettext("%(file)s, refused rows", file=stem)
        return _sent(lambda path: write_refused(run, path), str(name))


def _sent(write: Callable[[Path], str], name: str) -> Any:
    """The answer with the file that `write` makes; the file itself is gone once it is closed."""
    with tempfile.TemporaryDirectory(prefix="steward-import-") as folder:
        path = Path(folder) / "file"
        written = write(path)
        return send_file(
            path.open("rb"),
            mimetype=FORMATS[written],
            as_attachment=True,
            download_name=f"{name}.{written}",
            max_age=0,
        )
