"""The doors that write, and the jobs behind them: nothing may be written that may not be seen."""

from __future__ import annotations

import io
from typing import Any

from sqlalchemy import select

from app.engine.adapters.database import db
from app.engine.changes import Change
from app.engine.surfaces.exports.formats import FORMATS
from tests.matrix.doors import Visit, door
from tests.matrix.personas import FAR, MINE
from tests.matrix.world import LEVEL


@door("FormPages.add")
def adding(visit: Visit) -> None:
    base = f"/{visit.key}/add"
    visit.ask.get(base)
    everything = {f.name: visit.text(f) for f in visit.definition.fields.values()}
    visit.ask.get(base, query_string=everything)
    visit.ask.post(base, visit.fresh(1))
    visit.ask.post(base, {**visit.fresh(2), **_unseen(visit)})
    for item in visit.definition.references:
        rows = visit.world.of(str(item.target), FAR)
        if rows:
            visit.ask.post(base, {**visit.fresh(3), item.name: str(rows[0].id)})
    _taken(visit, base)


def _unseen(visit: Visit) -> dict[str, str]:
    """Values for fields that the persona may not write."""
    writable = visit.writable()
    return {
        item.name: visit.text(item, "other", 7)
        for item in visit.definition.fields.values()
        if item not in writable and not item.system
    }


def _taken(visit: Visit, base: str) -> None:
    """A value that is another's already is refused; by whom it is held is not said."""
    for item in visit.writable():
        held = visit.held(item)
        if item.unique and held is not None and not item.target:
            values = {**visit.fresh(4), item.name: item.input_text(held)}
            visit.ask.post(base, values, same=False)


@door("FormPages.edit")
def editing(visit: Visit) -> None:
    for number in visit.ids():
        here = f"/{visit.key}/{number}/edit"
        visit.ask.get(here)
        visit.ask.post(here, {"version": "1", **_unseen(visit)})
        visit.ask.post(here, {"version": LEVEL, **_unseen(visit)})
    visit.ask.post(f"/{visit.key}/{visit.mine}/edit", {"version": LEVEL, **visit.fresh(5)})


@door("RecordsApi.post", "RecordsApi.put")
def rest_writing(visit: Visit) -> None:
    base = f"/api/v1/{visit.key}/"
    visit.ask.ask("POST", base, json=visit.fresh(6))
    visit.ask.ask("POST", base, json={**visit.fresh(7), **_unseen(visit)})
    for number in [*visit.ids(), *visit.trashed()]:
        for body in ({}, {"version": 1}, _unseen(visit)):
            visit.ask.ask("PUT", f"{base}{number}", json=body)
    for item in visit.fields(8):
        visit.ask.ask("PUT", f"{base}{visit.mine}", json={item.name: None})
    for item in visit.writable():
        held = visit.held(item)
        if item.unique and held is not None and not item.target:
            body = {item.name: item.dump(held)}
            visit.ask.ask("PUT", f"{base}{visit.mine}", json=body, same=False)
    for item in visit.definition.references:
        for row in visit.world.of(str(item.target), FAR)[:1]:
            visit.ask.ask("PUT", f"{base}{visit.mine}", json={item.name: row.id})


@door("RecordHistoryPages.revert")
def reverting(visit: Visit) -> None:
    for number in visit.ids():
        statement = select(Change.id).where(Change.entity == visit.name, Change.record_id == number)
        first = db.session.scalar(statement.order_by(Change.id).limit(1))
        visit.ask.post(f"/{visit.key}/{number}/history/{first}/revert", {"version": LEVEL})


@door("RecordPages.approve", "RecordsApi.approve", "RecordPages.act")
def approving(visit: Visit) -> None:
    for number in visit.ids():
        visit.ask.post(f"/{visit.key}/{number}/approve")
        visit.ask.post(f"/{visit.key}/{number}/do/nothing")
        visit.ask.ask("POST", f"/api/v1/{visit.key}/{number}/approve")


@door("BulkPages.bulk", "BulkPages.asked", "BulkPages.agreed", "MergePages.merge")
def bulk(visit: Visit) -> None:
    base = f"/{visit.key}/bulk"
    ids = ",".join(map(str, visit.ids()))
    acts = ("edit", "assign", "tag", "merge_duplicates", "archive", "unarchive", "trash")
    for act in visit.turned(*acts):
        for selection in (f"ids={ids}", "all=1"):
            visit.ask.get(f"{base}/{act}?{selection}")
    for item in visit.fields(9):
        visit.ask.get(f"{base}/trash?all=1&f={item.name}:eq:{visit.text(item)}")
        form = {"ids": ids, "step": "preview", "change": item.name, item.name: "x"}
        visit.ask.post(f"{base}/edit", form)
        form = {"all": "1", "step": "preview", "by": item.name, "keep": "fullest"}
        visit.ask.post(f"{base}/merge_duplicates", form)
    for item in visit.writable()[:3]:
        value = visit.fresh(8).get(item.name, "")
        form = {"ids": ids, "change": item.name, item.name: value}
        visit.ask.post(f"{base}/edit", {**form, "step": "preview"})
        visit.ask.post(f"{base}/edit", {**form, "step": "run"})
    for act in ("archive", "unarchive"):
        visit.ask.post(base, {"action": act, "ids": ids})
    visit.ask.get(f"/{visit.key}/merge?ids={ids}")


@door("ExportPages.export", "ExportPages.record", "ExportPages.manifest")
def exports(visit: Visit) -> None:
    base = f"/export/{visit.key}"
    visit.ask.get(base)
    for item in visit.fields(10):
        queries = (f"sort={item.name}", f"f={item.name}:eq:{visit.text(item)}")
        for query in queries:
            visit.ask.get(f"{base}?{query}")
        for query in visit.turned(*queries):
            visit.ask.post(f"{base}?{query}", {"format": "csv"})
        visit.ask.post(base, {"format": "csv", "columns": "chosen", "fields": item.name})
    visit.ask.work()
    every = list(visit.world.rows)
    for name in visit.some(FORMATS):
        form: dict[str, Any] = {"format": name, "related": every}
        if name == "pdf":
            form["columns"] = "list"
        visit.ask.post(base, form)
        visit.ask.work()
    for number in visit.ids()[::2]:
        visit.ask.post(f"{base}/{number}")
    visit.ask.work()


@door(
    "ImportPages.upload", "ImportPages.run", "ImportPages.status", "ImportPages.check",
    "ImportPages.columns", "ImportPages.start", "ImportPages.undo", "ImportPages.discard",
    "ImportPages.format", "ImportDownloads.refused", "ImportDownloads.choices",
    "ImportDownloads.template", "ImportProfilePages.use", "ImportProfilePages.keep",
    "ImportProfilePages.profiles", "ImportProfilePages.change", "ImportProfilePages.remove",
)  # fmt: skip
def imports(visit: Visit) -> None:
    base = f"/import/{visit.key}"
    visit.ask.get(base)
    for page in visit.turned("/choices.csv", "/template.csv", "/template.xlsx", "/profiles"):
        visit.ask.get(base + page)
    names, rows = _file(visit)
    here = _upload(visit, names, rows)
    if here is None:
        visit.ask.get(f"{base}/1")
        return
    form = {"columns": "1", **{f"column-{n}": name for n, name in enumerate(names)}}
    writable = {item.name for item in visit.writable()}
    allowed = {key: value if value in writable else "" for key, value in form.items()}
    allowed["columns"] = "1"
    key = visit.definition.options.key_field
    if key in writable:
        allowed["key"] = key
    visit.ask.post(f"{here}/check", form)
    visit.ask.post(f"{here}/profile/keep", {**allowed, "profile_name": "Matrix"}, same=False)
    visit.ask.post(f"{here}/profile", {"profile": "1"}, same=False)
    visit.ask.post(f"{here}/format", {"header": "yes"}, same=False)
    visit.ask.post(f"{here}/check", {**allowed, "mode": "upsert"})
    visit.ask.work()
    if not visit.closely:
        visit.ask.post(f"{here}/discard", same=False)
        return
    for page in ("", "/status", "/refused"):
        visit.ask.get(here + page, same=False)
    visit.ask.post(f"{here}/columns")
    visit.ask.post(f"{here}/check", {**allowed, "mode": "upsert", "approved": "1"})
    visit.ask.work()
    visit.ask.post(f"{here}/start", same=False)
    visit.ask.work()
    visit.ask.get(here, same=False)
    visit.ask.get(f"{here}/refused", same=False)
    visit.ask.post(f"{here}/undo", same=False)
    visit.ask.post(f"{base}/profiles/1", {"name": "Again"}, same=False)
    visit.ask.post(f"{base}/profiles/1/remove", same=False)
    other = _upload(visit, names, rows)
    visit.ask.post(f"{other}/discard", same=False)


def _file(visit: Visit) -> tuple[list[str], list[list[str]]]:
    """Rows with new values, the keys of rows that are seen, and of others' rows."""
    fields = [
        f for f in visit.definition.fields.values() if not f.system and f.type_name != "serial"
    ]
    rows = []
    key = visit.definition.key_field
    for number, whose in enumerate((None, MINE, FAR)):
        texts = {f.name: visit.text(f, "file", number) for f in fields if f in visit.writable()}
        texts |= visit.needed()
        if key is not None and whose is not None:
            texts[key.name] = visit.text(key, whose)
        rows.append([texts.get(f.name, "") for f in fields])
    return [f.name for f in fields], rows


def _upload(visit: Visit, names: list[str], rows: list[list[str]]) -> str | None:
    """The address of the import; None where none may be begun. What the file holds is known."""
    lines = "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in (names, *rows))
    visit.ask.given |= visit.world.net.caught(lines)
    file = (io.BytesIO(lines.encode()), "rows.csv")
    answer = visit.ask.ask("POST", f"/import/{visit.key}", data={"file": file}, same=False, hops=0)
    if answer.status_code != 303:
        return None
    here = str(answer.headers["Location"])
    visit.ask.get(here, same=False)
    return here


@door(
    "JobPages.jobs", "JobPages.job", "JobPages.status", "JobPages.download", "JobPages.again",
    "JobPages.cancel", "JobPages.retry", once=True,
)  # fmt: skip
def job_centre(visit: Visit) -> None:
    from app.engine.job import Job

    visit.ask.get("/jobs/", same=False)
    for job_id in list(db.session.scalars(select(Job.id).order_by(Job.created_at)))[:6]:
        for page in ("", "/status", "/download"):
            visit.ask.get(f"/jobs/{job_id}{page}", same=False)
        for page in ("again", "cancel", "retry"):
            visit.ask.post(f"/jobs/{job_id}/{page}", same=False)
    visit.ask.work()


@door(
    "NotificationPages.notifications", "NotificationPages.open", "NotificationPages.read", once=True
)
def notifications(visit: Visit) -> None:
    visit.ask.get("/notifications/", same=False)
    for number in range(1, 5):
        visit.ask.get(f"/notifications/{number}", same=False)
    visit.ask.post("/notifications/read", same=False)


@door(
    "SchedulePages.schedules", "SchedulePages.schedule", "SchedulePages.new", "SchedulePages.edit",
    "SchedulePages.pause", "SchedulePages.run", "SchedulePages.delete",
)  # fmt: skip
def schedules(visit: Visit) -> None:
    for url in ("/schedules/", "/schedules/1") if visit.first else ():
        visit.ask.get(url, same=False)
    for kind in visit.turned("export", "export.scheduled"):
        visit.ask.get(f"/schedules/new/{kind}")
        form = {"name": "Matrix", "at": "08:00", "zone": "Asia/Shanghai",
                "argument_entity": visit.name, "argument_format": "csv",
                "argument_folder": f"matrix {visit.salt}"}  # fmt: skip
        answer = visit.ask.post(f"/schedules/new/{kind}", form, same=False)
        here = answer.headers.get("Location", "/schedules/1")
        visit.ask.get(f"{here}/edit", same=False)
        visit.ask.post(f"{here}/edit", form, same=False)
        visit.ask.post(f"{here}/run", same=False)
        visit.ask.work()
        visit.ask.post(f"{here}/pause", same=False)
        visit.ask.post(f"{here}/delete", same=False)


@door(
    "CustomFieldPages.list", "CustomFieldPages.add", "CustomFieldPages.edit",
    "CustomFieldPages.remove", "CustomFieldPages.name", "ChoiceListPages.lists",
)  # fmt: skip
def settings(visit: Visit) -> None:
    urls = ("fields", "fields/add", "fields/1", "fields/name?label_zh=新", "lists")
    for url in urls if visit.first else ():
        visit.ask.get(f"/settings/{url}", same=False)
    form = {"entity": visit.name, "name": f"late_{visit.salt}", "kind": "text", "label_zh": "晚",
            "label_en": "Late"}  # fmt: skip
    visit.ask.post("/settings/fields/add", form, same=False)
    for url in ("999", "999/remove") if visit.first else ():
        visit.ask.post(f"/settings/fields/{url}", form, same=False)
    visit.ask.work()


# -- taking away -----------------------------------------------------------------------------


@door("ChangeSetPages.undo", once=True)
def undoing(visit: Visit) -> None:
    for number in visit.world.change_sets:
        visit.ask.post(f"/changes/{number}/undo", same=False)
    visit.ask.work()


@door("RecordsApi.merge")
def merging(visit: Visit) -> None:
    own, others = visit.world.of(visit.name, MINE), visit.world.of(visit.name, FAR)
    base = f"/api/v1/{visit.key}"
    if len(own) < 2 or not others:
        visit.ask.ask("POST", f"{base}/99999/merge", json={"losers": [99_998]})
        return
    secret = {item.name: others[0].id for item in visit.fields(11)}
    visit.ask.ask("POST", f"{base}/{own[0].id}/merge", json={"losers": [others[0].id]})
    taken = {"losers": [own[1].id], "take": secret}
    visit.ask.ask("POST", f"{base}/{own[0].id}/merge", json=taken)
    taken = {"losers": [own[1].id], "take": dict.fromkeys(secret, own[1].id)}
    visit.ask.ask("POST", f"{base}/{own[0].id}/merge", json=taken)
    form = {"ids": f"{own[0].id},{others[0].id}", "survivor": str(own[0].id)}
    visit.ask.post(f"/{visit.key}/merge", form)
    form = {"ids": f"{own[0].id},{own[1].id}", "survivor": str(own[0].id)}
    visit.ask.post(f"/{visit.key}/merge", form)


@door("RecordPages.delete", "RecordsApi.delete")
def deleting(visit: Visit) -> None:
    ids = visit.ids()
    for number in ids[1:]:
        visit.ask.ask("DELETE", f"/api/v1/{visit.key}/{number}")
        visit.ask.post(f"/{visit.key}/{number}/delete")
    for number in ids[:1]:
        visit.ask.post(f"/{visit.key}/{number}/delete")


@door("TrashPages.restore", "TrashPages.purge", "TrashApi.restore", "TrashApi.purge")
def emptying(visit: Visit) -> None:
    for number in visit.trashed():
        visit.ask.post(f"/{visit.key}/trash/restore", {"ids": str(number)})
        visit.ask.post(f"/{visit.key}/{number}/delete")
        visit.ask.ask("POST", f"/api/v1/{visit.key}/{number}/restore")
        visit.ask.ask("DELETE", f"/api/v1/{visit.key}/{number}")
    for number in visit.trashed():
        visit.ask.post(f"/{visit.key}/trash/purge", {"ids": str(number)})
        visit.ask.ask("DELETE", f"/api/v1/{visit.key}/trash/{number}")
