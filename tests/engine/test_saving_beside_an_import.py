"""While a large import runs, people's saves do not fail: neither on SQLite nor on PostgreSQL."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from app.engine import policy, registry
from app.engine.adapters.database import db
from app.engine.query import Records
from app.engine.surfaces import imports
from tests.factories import viewer

ROWS = 4000
PEOPLE = 4


def test_nobody_is_refused(app: Any, browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text(
        "name,code,pieces\n" + "".join(f"来件 {n},IMP-{n:05},{n}\n" for n in range(ROWS)), "utf-8"
    )
    clients = [browser("admin") for _person in range(PEOPLE)]
    running = threading.Event()
    over = threading.Event()
    answers: list[int] = []
    failures: list[BaseException] = []

    def bring_in() -> None:
        with app.app_context(), policy.acting_as(viewer("admin")):
            running.set()
            try:
                counts = imports.command("Parcel", path).as_json()
                assert (counts["new"], counts["refused"]) == (ROWS, 0), counts
            except BaseException as error:
                failures.append(error)
            finally:
                over.set()
                db.session.remove()

    def save(number: int) -> None:
        running.wait(30)
        count = 0
        with app.app_context():
            while not over.is_set() or count < 3:
                answer = clients[number].post(
                    "/api/v1/parcel/", json={"name": f"手工 {number}-{count}"}
                )
                answers.append(answer.status_code)
                count += 1
            db.session.remove()

    threads = [threading.Thread(target=bring_in)]
    threads += [threading.Thread(target=save, args=(n,)) for n in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not failures, failures
    assert set(answers) == {201}, answers
    db.session.commit()
    with policy.acting_as(viewer("admin")):
        found = Records(registry.current().entity("Parcel"))
        assert found.exact_count() == ROWS + len(answers)
        assert Records(registry.current().entity("Parcel")).search("手工").exact_count() == len(
            answers
        )
