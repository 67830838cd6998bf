"""Collects, seals and undoes archive packages; see `app.domains.documents.archiving`."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _

from app.domains.documents import archiving
from app.domains.documents.package import ArchivePackage, PackageState
from app.engine import archives, policy
from app.engine.adapters.database import db
from app.engine.changes import change_set
from app.engine.job import INFO, Run

BATCH = 100
WHY = "a package is made of what was chosen, with every right, once somebody with the right asks"


def collect(run: Run) -> dict[str, Any]:
    """Take in what the package's rule names, as far as its asker may see it; run again it goes on."""
    package = int(run.arguments["package"])
    looked, left_out = 0, 0
    after: int | None = 0
    while after is not None:
        with change_set("job") as changes:
            run.hold(changes.session, done=looked)
            taken, left, after = archiving.collect_some(changes, package, after, BATCH)
            for document, why in left:
                words = " ".join(map(str, why))
                run.log(_("Left out: document %(id)s. %(why)s", id=document, why=words), INFO)
        looked, left_out = looked + len(taken) + len(left), left_out + len(left)
    with change_set("job") as changes:
        run.hold(changes.session, done=looked)
        items = archiving.collected(changes, package, left_out)
    run.log(
        _("%(items)s items in the package, %(left_out)s documents left out as incomplete.",
          items=items, left_out=left_out)
    )  # fmt: skip
    return {"items": items, "left_out": left_out, "page": f"/archive_package/{package}"}


def seal(run: Run) -> dict[str, Any]:
    """Number the items, write the package, seal it, archive its documents; run again it goes on."""
    package = int(run.arguments["package"])
    policy.current_viewer().require(archiving.PACKAGE, "approve")
    with policy.entrusted(WHY):
        if not _is_sealed(package):
            _number(run, package)
            _write(run, package)
        done = archived = 0
        while done == 0 or archived:
            with change_set("job") as changes:
                run.hold(changes.session)
                archived = archiving.archive_some(changes, package, BATCH)
            done += archived
            if not archived:
                break
    run.log(_("The package is sealed; %(number)s documents are archived.", number=done))
    return {"archived": done, "page": f"/archive_package/{package}"}


def dissolve(run: Run) -> dict[str, Any]:
    """Take everything out of the package again; run again it goes on."""
    package = int(run.arguments["package"])
    policy.current_viewer().require(archiving.PACKAGE, "approve")
    released = 0
    with policy.entrusted(WHY):
        while True:
            with change_set("job") as changes:
                run.hold(changes.session, done=released)
                some = archiving.release_some(changes, package, BATCH)
            released += some
            if not some:
                break
        archives.cut(archiving.place_of(package))
        with change_set("job") as changes:
            run.hold(changes.session)
            archiving.dissolved(changes, package)
    return {"released": released, "page": f"/archive_package/{package}"}


def _is_sealed(package: int) -> bool:
    with policy.unrestricted(WHY) as session:
        found = session.get(ArchivePackage, package)
        return found is not None and str(found.state) == str(PackageState.SEALED)


def _number(run: Run, package: int) -> None:
    done = 0
    while True:
        with change_set("job") as changes:
            run.hold(changes.session, done=done)
            some = archiving.number_some(changes, package, BATCH)
        done += some
        if not some:
            return


def _write(run: Run, package: int) -> None:
    """The package into the store, then its row; what was written in vain is cut."""
    path = archiving.place_of(package)
    with policy.unrestricted(WHY) as session:
        order = archiving.order_of(session, package)
        made = archives.pack(order, path, lambda bytes_: run.progress(bytes_, message=_("Writing")))
    db.session.rollback()
    try:
        with change_set("job") as changes:
            run.hold(changes.session)
            archiving.seal(changes, package, made)
    except archiving.NotAsItWas:
        archives.cut(path)
        raise
