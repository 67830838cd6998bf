"""The pages of an import, as somebody walks through them; the jobs run in between."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import select

import jobs
from app.engine import policy, registry
from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.adapters.storage import store
from app.engine.job import Job
from app.engine.surfaces.imports import ImportRun
from tests import factories
from tests.engine.toys import Parcel

FILE = "名称,货号,Pieces,grade\r\n箱子,A1,1,特级\r\n盒子,A2,2,新级\r\n袋子,A3,x,特级\r\n"


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda job_id, name: True)
    monkeypatch.setattr(queue, "forget", lambda job_id: None)


@pytest.fixture
def grades(app: Any) -> None:
    with policy.acting_as(factories.viewer("admin")):
        factories.make(
            "ChoiceOption", list_name="toy_grade", value="top", label_zh="特级", label_en="Top"
        )


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


def test_the_whole_way(client: Any, grades: None) -> None:
    assert client.get("/import/parcel").status_code == 200
    answer = upload(client)
    assert answer.status_code == 303
    here = answer.headers["Location"]
    page = client.get(here).get_data(as_text=True)
    assert "箱子" in page
    assert re.search(r'name="column-0".*?value="name" selected', page, re.DOTALL)
    form = {"columns": "1", "column-0": "name", "column-1": "code", "column-2": "pieces",
            "column-3": "grade", "key": "code", "approved": "1"}  # fmt: skip
    assert client.post(f"{here}/check", data=form).status_code == 303
    waiting = client.get(here).get_data(as_text=True)
    assert f'hx-get="{here}/status"' in waiting
    assert client.post(f"{here}/check", data=form).status_code == 409
    work(here)
    assert client.get(f"{here}/status").headers["HX-Refresh"] == "true"
    preview = client.get(here).get_data(as_text=True)
    assert "新级" in preview
    assert "“x” is not a number." in preview
    assert run_of(here).plan["unknown"] == {"grade": [["新级", 1]]}
    assert names() == []
    client.post(f"{here}/check", data={"choice-grade-0": "+"})
    work(here)
    assert run_of(here).plan["new"] == 2
    assert client.post(f"{here}/start").status_code == 303
    assert client.post(f"{here}/start").status_code == 409
    work(here)
    result = client.get(here).get_data(as_text=True)
    assert "Undo the import" in result
    assert names() == ["箱子", "盒子"]
    assert "新级" in registry.refresh().lists["toy_grade"]
    assert client.post(f"{here}/undo").status_code == 303
    assert names() == []
    assert "Taken back: 3." in client.get(here).get_data(as_text=True)
    again = upload(client)
    assert "imported before" not in client.get(again.headers["Location"]).get_data(as_text=True)


def test_a_large_undo_is_a_job(client: Any, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.engine.surfaces.imports import pages

    monkeypatch.setattr(pages, "AT_ONCE", 1)
    here = imported(client, "name,code\r\na,1\r\nb,2\r\n")
    assert client.post(f"{here}/undo").status_code == 303
    assert "jobs/" in client.get(here).get_data(as_text=True)
    work(here)
    assert names() == []
    assert "Taken back: 2." in client.get(here).get_data(as_text=True)


def imported(client: Any, text: bytes | str, name: str = "包裹.csv") -> str:
    here = str(upload(client, text, name).headers["Location"])
    client.post(f"{here}/check", data={})
    work(here)
    client.post(f"{here}/start")
    work(here)
    return here


def test_the_same_file_again_is_said(client: Any, app: Any) -> None:
    imported(client, "name,code\r\na,1\r\n")
    page = client.get(upload(client, "name,code\r\na,1\r\n").headers["Location"])
    assert "imported before" in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "empty.csv", "empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "photo.csv", "picture"),
        (b"%PDF-1.7", "letter.xlsx", "PDF"),
        (b"PK\x03\x04junk", "broken.xlsx", "damaged"),
        ("好,a\r\n".encode() * 20 + "坏".encode("gbk"), "mixed.csv", "Line 21"),
    ],
)
def test_what_is_no_table_is_refused_on_the_page(
    client: Any, app: Any, data: bytes, name: str, said: str
) -> None:
    answer = upload(client, data, name)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert db.session.scalars(select(ImportRun)).all() == []


def test_no_file_no_import(client: Any, app: Any) -> None:
    assert client.post("/import/parcel", data={}).status_code == 422


def test_a_mapping_twice_is_said_beside_the_form(client: Any, app: Any) -> None:
    here = upload(client, "a,b\r\n1,2\r\n").headers["Location"]
    form = {"columns": "1", "column-0": "name", "column-1": "name"}
    answer = client.post(f"{here}/check", data=form)
    assert answer.status_code == 422
    assert "both mapped" in answer.get_data(as_text=True)
    assert client.post(f"{here}/check", data={"columns": "1"}).status_code == 422
    assert run_of(here).state == "uploaded"


def test_the_file_can_be_read_differently(client: Any, app: Any) -> None:
    here = upload(client, "name;a,b\r\nx;1,2\r\n").headers["Location"]
    before = list(run_of(here).columns or [])
    answer = client.post(f"{here}/format", data={"delimiter": ",", "header": "no"})
    assert answer.status_code == 303
    assert run_of(here).columns != before
    bad = client.post(f"{here}/format", data={"encoding": "utf-16"})
    assert bad.status_code in (303, 422)


def test_a_discarded_file_is_gone(client: Any, app: Any) -> None:
    here = upload(client).headers["Location"]
    path = str(run_of(here).file_path)
    with store().local(path):
        pass
    assert client.post(f"{here}/discard").status_code == 303
    assert client.get(here).status_code == 404
    assert client.post(f"{here}/start").status_code == 404


def test_all_or_nothing_does_not_start_with_refused_rows(client: Any, grades: None) -> None:
    here = upload(client).headers["Location"]
    form = {"columns": "1", "column-0": "name", "column-2": "pieces", "all_or_nothing": "1"}
    client.post(f"{here}/check", data=form)
    work(here)
    answer = client.post(f"{here}/start")
    assert answer.status_code == 422
    assert "all or nothing" in answer.get_data(as_text=True)
    assert names() == []


def test_others_do_not_see_ones_imports(browser: Any, app: Any) -> None:
    here = upload(browser("sales"), "name\r\na\r\n", key="customer").headers["Location"]
    assert browser("sales").get(here).status_code == 200
    assert browser("sales2").get(here).status_code == 404
    assert browser("admin").get(here).status_code == 200
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


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_in_both_languages(client: Any, app: Any, language: str) -> None:
    here = upload(client).headers["Location"]
    page = client.get(here, headers={"Accept-Language": language}).get_data(as_text=True)
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page


def test_refused_rows_come_back_with_reasons_ready_to_be_mended(client: Any, app: Any) -> None:
    here = imported(client, "name,code,pieces,note\r\na,1,1,x\r\nb,2,zwei,=1+1\r\n,3,3,z\r\n")
    page = client.get(here).get_data(as_text=True)
    assert f'href="{here}/refused"' in page
    answer = client.get(f"{here}/refused")
    assert answer.headers["Content-Disposition"].endswith(".csv")
    raw = answer.get_data()
    assert raw.startswith(b"\xef\xbb\xbf")
    lines = raw.decode("utf-8-sig").splitlines()
    assert lines[0] == "name,code,pieces,note,Why it was refused"
    assert lines[1] == "b,2,zwei,'=1+1,pieces: “zwei” is not a number."
    assert lines[2] == ",3,3,z,name: This field is required."
    mended = raw.decode("utf-8-sig").replace("zwei", "2").replace("\n,3", "\nc,3")
    again = imported(client, mended.encode("utf-8-sig"))
    assert "Why it was refused" not in run_of(again).decided.mapping
    assert names() == ["a", "b", "c"]
    assert client.get(f"{again}/refused").status_code == 404


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_template_is_understood_when_it_comes_back(
    client: Any, app: Any, format: str, language: str
) -> None:
    answer = client.get(f"/import/parcel/template.{format}", headers={"Accept-Language": language})
    assert answer.status_code == 200
    here = imported(client, answer.get_data(), f"template.{format}")
    run = run_of(here)
    assert set(run.columns or ()) == set(run.decided.mapping)
    assert (run.counts or {})["new"] == 1
    assert client.get("/import/parcel/template.pdf").status_code == 404


def test_the_mode_is_chosen_on_the_page_and_remembered(client: Any, app: Any) -> None:
    imported(client, "name,code\r\na,1\r\n")
    here = upload(client, "name,code\r\nA,1\r\nb,2\r\n").headers["Location"]
    form = {"columns": "1", "column-0": "name", "column-1": "code", "key": "", "mode": "update"}
    refused = client.post(f"{here}/check", data=form)
    assert refused.status_code == 422
    assert "found by" in refused.get_data(as_text=True)
    assert client.post(f"{here}/check", data={**form, "key": "code"}).status_code == 303
    work(here)
    client.post(f"{here}/start")
    work(here)
    assert names() == ["A"]
    later = run_of(upload(client, "name,code\r\nc,3\r\n").headers["Location"])
    assert later.decided.mode == "update"


def test_likenesses_are_shown_and_decided_in_the_preview(client: Any, app: Any) -> None:
    imported(client, "name,code\r\n华阳（深圳）贸易有限公司,1\r\n")
    here = upload(client, "name,code\r\n华阳(深圳)贸易股份有限公司,2\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    page = client.get(here).get_data(as_text=True)
    assert "华阳（深圳）贸易有限公司" in page
    client.post(f"{here}/check", data={"near": "leave"})
    work(here)
    assert run_of(here).plan["duplicate"] == 1  # type: ignore[index]


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
    assert "No space left on device" in client.get(here).get_data(as_text=True)
    assert client.post(f"{here}/start").status_code == 303
    work(here)
    assert names() == ["a"]
