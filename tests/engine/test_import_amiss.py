"""What happens to an import whose file, rights, disk or run is not what it was."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.engine import policy
from app.engine.adapters.appbuilder import accounts
from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.job import Job
from tests import factories
from tests.engine.import_walk import names, run_of, upload, work

pytestmark = pytest.mark.usefixtures("sent")


def test_others_do_not_see_ones_imports(browser: Any, app: Any) -> None:
    here = upload(browser("sales"), "name\r\na\r\n", key="customer").headers["Location"]
    assert browser("sales").get(here).status_code == 200
    assert browser("sales2").get(here).status_code == 404
    assert browser("admin").get(here).status_code == 200
    both = app.appbuilder.sm.find_role("SystemAdmin"), app.appbuilder.sm.find_role("Sales")
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales2"), {}, [role.id for role in both])
    assert browser("sales2").get(here).status_code == 404, "previews show records of the asker's"
    assert browser("guest").get("/import/customer").status_code == 403
    assert browser(None).get(here).status_code in (302, 401)
    assert browser("admin").get(here.replace("customer", "contact")).status_code == 404


def test_a_file_that_is_gone_fails_the_job_with_a_reason(client: Any, app: Any) -> None:
    here = upload(client, "name,code\r\na,1\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    store().remove(str(run_of(here).file_path))
    work(here)
    job = db.session.get(Job, str(run_of(here).job_id))
    assert job is not None
    assert job.state == "failed"
    assert "not kept" in client.get(here).get_data(as_text=True)


def test_a_cancelled_run_can_go_on_or_be_undone(client: Any, app: Any) -> None:
    here = upload(client, "name,code\r\na,1\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    client.post(f"{here}/start")
    assert (
        client.post(f"/jobs/{run_of(here).job_id}/cancel", data={"next": here}).status_code == 303
    )
    assert "cancelled" in client.get(here).get_data(as_text=True)
    assert client.post(f"{here}/start").status_code == 303
    work(here)
    assert names() == ["a"]


def test_a_run_that_went_otherwise_than_the_preview_says_so(client: Any, app: Any) -> None:
    here = upload(client, "name,code\r\na,1\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    with policy.acting_as(factories.viewer("admin")):
        factories.make("Parcel", name="b", code="1")
    client.post(f"{here}/start")
    work(here)
    assert "not those of the preview" in client.get(here).get_data(as_text=True)


def test_rights_taken_away_while_the_job_waits(client: Any, browser: Any, app: Any) -> None:
    sales = browser("sales")
    here = upload(sales, "name\r\n甲\r\n", key="customer").headers["Location"]
    sales.post(f"{here}/check", data={})
    work(here)
    sales.post(f"{here}/start")
    with app.app_context():
        manager = app.appbuilder.sm
        person = manager.find_user("sales")
        kept, person.roles = list(person.roles), [manager.find_role("Guest")]
        db.session.commit()
    work(here)
    job = db.session.get(Job, str(run_of(here).job_id), populate_existing=True)
    assert job is not None
    assert job.state == "failed"
    with app.app_context():
        manager.find_user("sales").roles = [manager.find_role(role.name) for role in kept]
        db.session.commit()
    assert sales.post(f"{here}/start").status_code == 303
    work(here)
    assert (run_of(here).counts or {})["new"] == 1


def test_rights_taken_away_while_the_job_runs(
    browser: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before stays and can be undone; nothing more is written."""
    from app.domains.customers import Customer
    from app.engine.surfaces.imports import batches, running

    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (2,))
    sales, manager = browser("sales"), app.appbuilder.sm
    text = "name\r\n" + "".join(f"公司{n}\r\n" for n in range(6))
    here = upload(sales, text, key="customer").headers["Location"]
    sales.post(f"{here}/check", data={})
    work(here)
    sales.post(f"{here}/start")
    taken, real = [], running.Runner._take

    def take(*given: Any) -> None:
        real(*given)
        taken.append(1)
        if len(taken) == 2:
            with app.app_context():
                manager.find_user("sales").roles = [manager.find_role("Guest")]
                db.session.commit()
                db.session.remove()

    monkeypatch.setattr(running.Runner, "_take", take)
    work(here)

    def there() -> int:
        with policy.acting_as(policy.SYSTEM_VIEWER):
            return len(db.session.scalars(select(Customer.id)).all())

    job = db.session.get_one(Job, str(run_of(here).job_id), populate_existing=True)
    assert (job.state, run_of(here).state, there()) == ("failed", "running", 4)
    with app.app_context():
        manager.find_user("sales").roles = [manager.find_role("Sales")]
        db.session.commit()
    assert "Your rights have changed" in sales.get(here).get_data(as_text=True)
    sales.post(f"{here}/start")
    work(here)
    assert ((run_of(here).counts or {})["new"], there()) == (6, 6)


def test_two_people_import_the_same_file_at_once(client: Any, browser: Any, app: Any) -> None:
    other = browser("admin")
    text = "name,code\r\na,1\r\nb,2\r\n"
    pages = [str(upload(who, text).headers["Location"]) for who in (client, other)]
    for who, here in zip((client, other), pages, strict=True):
        who.post(f"{here}/check", data={})
        work(here)
        who.post(f"{here}/start")
    for here in pages:
        work(here)
    assert names() == ["a", "b"]
    assert [(run_of(here).counts or {})["new"] for here in pages] == [2, 0]
    assert (run_of(pages[1]).counts or {})["unchanged"] == 2


def test_a_full_disk_leaves_nothing_half_written_and_the_run_goes_on_later(
    client: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine.changes import journal

    here = upload(client, "name,code\r\na,1\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    client.post(f"{here}/start")
    with monkeypatch.context() as full:

        def no_room(*_arguments: Any) -> None:
            raise OSError(28, "No space left on device")

        full.setattr(journal, "load_rows", no_room)
        work(here)
    assert names() == []
    assert "The disk is full" in client.get(here).get_data(as_text=True)
    assert client.post(f"{here}/start").status_code == 303
    work(here)
    assert names() == ["a"]
