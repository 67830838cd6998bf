"""Fixity: stored files are read again by plan; decay, loss and strangers are found, told, and forgotten when mended."""

from __future__ import annotations

import datetime
import io
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from app.engine import files, policy
from app.engine.adapters.database import db, now, write_transaction
from app.engine.adapters.storage import store
from app.engine.archives import fixity
from app.engine.archives.fixity import FixityFinding, FixityRound
from app.engine.files import StoredFile
from app.engine.notices import Notification
from tests.factories import viewer


@pytest.fixture(autouse=True)
def _as_the_system(app: Any) -> Iterator[None]:
    with policy.acting_as(viewer("admin")):
        yield


class Run:
    """A job that is not the matter of these tests."""

    id = "fixity"
    arguments: dict[str, Any] = {}

    def hold(self, _session: Any, **_values: Any) -> None: ...

    def log(self, *_given: Any) -> None: ...


@pytest.fixture
def kept(app: Any, monkeypatch: pytest.MonkeyPatch) -> list[StoredFile]:
    """Ten files, and nothing else, read again within five days."""
    for path in (*store().paths("files"), *store().paths("archives")):
        store().remove(path)
    monkeypatch.setitem(app.config, "STEWARD", replace(app.config["STEWARD"], fixity_days=5))
    return [files.put(io.BytesIO(f"内容 {n}".encode()), f"{n}.txt") for n in range(10)]


def day() -> dict[str, int]:
    """What the job of one day reads and finds."""
    counts: dict[str, int] = fixity.run(Run())  # type: ignore[arg-type,assignment]
    return counts


def a_day_passes() -> None:
    with write_transaction() as session:
        for one in session.scalars(select(FixityRound)):
            one.begun_at -= datetime.timedelta(days=1)


def findings() -> dict[str, str]:
    db.session.rollback()
    return {one.path: one.what for one in db.session.scalars(select(FixityFinding))}


def test_a_slice_a_day_and_all_within_the_days(kept: list[StoredFile]) -> None:
    read = []
    for _day in range(5):
        read.append(day()["checked"])
        a_day_passes()
    assert read == [2, 2, 2, 2, 2]
    db.session.rollback()
    ended = db.session.scalar(select(FixityRound.ended_at).where(FixityRound.source == "files"))
    assert ended is not None
    assert day()["checked"] > 0, "and from the beginning"


@pytest.mark.parametrize(("passed", "wanted"), [(0, 4), (1, 4), (4, 20), (9, 20), (-30, 4)])
def test_what_is_late_is_made_good_and_a_clock_set_back_delays_nothing(
    passed: int, wanted: int
) -> None:
    begun = now() - datetime.timedelta(days=passed)
    assert fixity.slice_of(20 if passed != 1 else 16, begun, now(), 5) == wanted


def test_decay_loss_and_strangers_are_found_told_and_forgotten_once_mended(
    kept: list[StoredFile],
) -> None:
    decayed, lost = kept[0].path, kept[1].path
    contents = {path: store().open(path).read() for path in (decayed, lost)}
    store().save(decayed, io.BytesIO(b"x" + contents[decayed][1:]))
    store().remove(lost)
    stranger = "files/ab/cd/abcd"
    store().save(stranger, io.BytesIO(b"who"))
    assert day()["stranger"] == 0, "what has just come may have no row yet"
    with store().local(stranger) as place:
        os.utime(place, (time.time() - 9e5,) * 2)
    for _day in range(5):
        day()
        a_day_passes()
    assert findings() == {
        decayed: fixity.DECAY, lost: fixity.LOSS, stranger: fixity.STRANGER,
    }  # fmt: skip
    viewer = policy.current_viewer()
    told = select(func.count()).where(
        Notification.user_id == viewer.user_id, Notification.href == fixity.PAGE
    )
    assert db.session.scalar(told) >= 1
    for path, content in contents.items():
        store().save(path, io.BytesIO(content))
    store().remove(stranger)
    for _day in range(6):
        day()
        a_day_passes()
    assert findings() == {}


def test_the_page_says_what_was_found(kept: list[StoredFile], client: Any, browser: Any) -> None:
    store().remove(kept[3].path)
    for _day in range(5):
        day()
        a_day_passes()
    page = client.get("/fixity/")
    assert page.status_code == 200
    assert kept[3].sha256 in page.text
    with policy.acting_as(viewer("sales")):
        assert browser("sales").get("/fixity/").status_code == 403
