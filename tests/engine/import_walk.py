"""How tests walk through the pages of an import, doing a worker's part in between."""

from __future__ import annotations

import io
import re
from typing import Any

from sqlalchemy import select

import jobs
from app.engine import policy
from app.engine.adapters.database import db
from app.engine.surfaces.imports import ImportRun
from tests.engine.toys import Parcel

FILE = "名称,货号,Pieces,grade\r\n箱子,A1,1,特级\r\n盒子,A2,2,新级\r\n袋子,A3,x,特级\r\n"


def upload(
    client: Any, data: bytes | str = FILE, name: str = "包裹.csv", key: str = "parcel"
) -> Any:
    raw = data.encode() if isinstance(data, str) else data
    return client.post(f"/import/{key}", data={"file": (io.BytesIO(raw), name)})


def run_of(address: str) -> ImportRun:
    db.session.rollback()
    found = db.session.get(ImportRun, int(address.rsplit("/", 1)[1]), populate_existing=True)
    assert found is not None
    return found


def work(address: str) -> None:
    """What a worker would do for the import now."""
    jobs.run_job(str(run_of(address).job_id))


def names() -> list[str]:
    with policy.acting_as(policy.SYSTEM_VIEWER):
        return list(db.session.scalars(select(Parcel.name).order_by(Parcel.id)))


def imported(client: Any, text: bytes | str, name: str = "包裹.csv") -> str:
    here = str(upload(client, text, name).headers["Location"])
    client.post(f"{here}/check", data={})
    work(here)
    client.post(f"{here}/start")
    work(here)
    return here


def refused_of(client: Any, here: str) -> list[str]:
    answer = client.get(f"{here}/refused")
    assert answer.status_code == 200
    return answer.get_data().decode("utf-8-sig").splitlines()[1:]


def becomes(page: str) -> list[str]:
    """What the preview says about each row that resembles something."""
    table = page[page.index('id="alike"') :]
    table = table[table.index("<tbody>") : table.index("</tbody>")]
    return re.findall(r"<td[^>]*>([^<]*)</td></tr>", table)


def shelves() -> list[str]:
    from tests.engine.toys import Shelf

    db.session.rollback()
    with policy.acting_as(policy.SYSTEM_VIEWER):
        return sorted(db.session.scalars(select(Shelf.name)))
