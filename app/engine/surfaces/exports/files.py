"""Records into a file: values as import takes them back, nothing held that has been written."""

from __future__ import annotations

import contextlib
import gc
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _

from app.engine.errors import NotFound
from app.engine.fields import Field
from app.engine.fields.time import reader_zone
from app.engine.query import Records, snapshot
from app.engine.surfaces.exports.formats import FORMATS, Format
from app.engine.surfaces.exports.order import Order
from app.engine.surfaces.exports.parts import Part, related_part

OnProgress = Callable[[int, int], None]
"""Told how many rows are done, of how many."""


@dataclass(frozen=True)
class Written:
    """A finished file: its rows, table by table, and what proves that it is whole."""

    rows: int
    size: int
    sha256: str
    ending: str
    media_type: str
    parts: tuple[tuple[str, tuple[str, ...], int], ...] = ()
    """Entity, names of the fields and rows of each table."""


def format_of(name: str) -> Format:
    """The format of that name. Raises NotFound."""
    if name not in FORMATS:
        raise NotFound(_("There is no format “%(name)s”.", name=name[:20]))
    return FORMATS[name]


def write_export(
    records: Records,
    fields: Sequence[Field],
    format: str,
    path: Path,
    on_progress: OnProgress | None = None,
    related: Sequence[str] = (),
    alone: bool = False,
) -> Written:
    """Write the selection, in its order, and the entities `related` to it.

    `alone`: it is one record. All of it is read in one state of the database. Raises TableProblem where the format cannot
    hold it or rows are missing, OSError where it cannot be written.
    """
    chosen = format_of(format)
    further = [related_part(records, name, chosen.on_paper, alone) for name in related]
    parts = [Part(records, fields, alone=alone), *further]
    with snapshot() as state:
        total = sum(state.count(part.records) for part in parts)
        done = 0

        def on_rows(count: int) -> None:
            nonlocal done
            done += count
            if on_progress is not None:
                on_progress(done, total)

        with _uncollected():
            chosen.write(Order(parts, state, _zone(), on_rows), path)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    zipped = chosen.zips and len(parts) > 1
    return Written(
        rows=sum(part.count for part in parts),
        size=path.stat().st_size,
        sha256=digest,
        ending="zip" if zipped else chosen.name,
        media_type="application/zip" if zipped else chosen.media_type,
        parts=tuple(
            (part.records.definition.name, tuple(f.name for f in part.fields), part.count)
            for part in parts
        ),
    )


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Batches of rows hold no cycles: looking for some costs a tenth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _zone() -> tzinfo:
    """The reader's zone, of the library that converts fastest."""
    zone = reader_zone()
    name = getattr(zone, "zone", None)
    return ZoneInfo(name) if name else zone
