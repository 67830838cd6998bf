"""Writes exports and puts them into the store, whole or not at all."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from app.engine.adapters.database import now
from app.engine.adapters.storage import store
from app.engine.fields.time import reader_zone
from app.engine.job import Run, scratch
from app.engine.job_files import seen_now
from app.engine.surfaces.exports import (
    Request,
    Written,
    ask_for_mails,
    checked_folder,
    manifest,
    note_export,
)


def run(run: Run) -> dict[str, Any]:
    """Export what the arguments say, see `Request`; run again it writes the same file anew."""
    wanted = Request.from_json(run.arguments)
    path = f"exports/{run.id}"
    with _written(run, wanted) as (file, written):
        store().save(path, file)
    name = f"{wanted.title}-{_stamp(run, '%Y%m%d')}.{written.ending}"
    result = {"file": path, **_result(name, written)}
    run.then(lambda _session, job: note_export(result, wanted.format, job=job.id))
    run.then(lambda session, job: ask_for_mails(session, job, wanted, result))
    return result


def scheduled(run: Run) -> dict[str, Any]:
    """The same into `folder`, a folder of the store, where it stays; its manifest beside it.

    The file is named by the moment at which the job was asked for, so that run again it is the same.
    """
    wanted = Request.from_json(run.arguments)
    folder = checked_folder(run.arguments.get("folder"))
    with _written(run, wanted) as (file, written):
        name = f"{wanted.definition.key}-{_stamp(run, '%Y%m%d-%H%M%S')}.{written.ending}"
        store().save(f"{folder}/{name}", file)
    result = _result(name, written)
    proof = orjson.dumps(manifest(name, result), option=orjson.OPT_INDENT_2)
    store().save(f"{folder}/{name}.manifest.json", io.BytesIO(proof))
    kept = f"{folder}/{name}"
    run.then(lambda _session, job: note_export(result, wanted.format, job=job.id, kept=kept))
    return {"kept": kept, **result}


@contextlib.contextmanager
def _written(run: Run, wanted: Request) -> Iterator[tuple[Path, Written]]:
    with scratch.folder() as folder:
        file = folder / "file"
        yield file, wanted.write(file, run.progress)


def _result(name: str, written: Written) -> dict[str, Any]:
    parts = [
        {"entity": e, "fields": list(names), "rows": n, "seen": seen_now(e, names)}
        for e, names, n in written.parts
    ]
    return {
        "name": name,
        "type": written.media_type,
        "rows": written.rows,
        "size": written.size,
        "sha256": written.sha256,
        "entity": parts[0]["entity"],
        "fields": parts[0]["fields"],
        "parts": parts,
    }


def _stamp(run: Run, pattern: str) -> str:
    asked = run.job.created_at or now()
    return asked.astimezone(reader_zone()).strftime(pattern)
