"""The pages of an import, as somebody walks through them; the jobs run in between."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.engine import policy, registry
from app.engine.adapters.storage import store
from tests import factories
from tests.engine.import_walk import becomes, imported, names, refused_of, run_of, upload, work

pytestmark = pytest.mark.usefixtures("sent")


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


def test_the_same_file_again_is_said(client: Any, app: Any) -> None:
    imported(client, "name,code\r\na,1\r\n")
    page = client.get(upload(client, "name,code\r\na,1\r\n").headers["Location"])
    assert "imported before" in page.get_data(as_text=True)


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
    assert becomes(page) == ["Is added"]
    client.post(f"{here}/check", data={"near": "leave"})
    work(here)
    assert run_of(here).plan["duplicate"] == 1  # type: ignore[index]
    assert becomes(client.get(here).get_data(as_text=True)) == ["Left out"]
    client.post(f"{here}/check", data={"near": "update"})
    work(here)
    page = client.get(here).get_data(as_text=True)
    assert becomes(page) == ["Changes that record"]
    assert 'name="near"' in page


def test_the_preview_counts_the_changes_of_each_field(client: Any, app: Any) -> None:
    imported(client, "name,code,pieces\r\na,1,1\r\nb,2,2\r\nc,3,3\r\n")
    here = upload(client, "name,code,pieces\r\nA,1,5\r\nb,2,6\r\nc,3,3\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    assert run_of(here).plan["fields"] == {"pieces": 2, "name": 1}  # type: ignore[index]
    page = client.get(here).get_data(as_text=True)
    assert re.search(r"<dt>Pieces</dt><dd>2 rows</dd>", page)
    assert re.search(r"<dt>Name</dt><dd>1 row</dd>", page)


def test_the_preview_gives_the_refused_rows_as_a_file(client: Any, app: Any) -> None:
    here = upload(client, "name,pieces\r\na,1\r\nb,zwei\r\n").headers["Location"]
    client.post(f"{here}/check", data={})
    work(here)
    assert f'href="{here}/refused"' in client.get(here).get_data(as_text=True)
    assert refused_of(client, here) == ["b,zwei,pieces: “zwei” is not a number."]
    client.post(f"{here}/columns")
    client.post(f"{here}/check", data={"columns": "1", "column-0": "name"})
    work(here)
    assert client.get(f"{here}/refused").status_code == 404
    client.post(f"{here}/columns")
    client.post(f"{here}/check", data={"columns": "1", "column-0": "name", "column-1": "pieces"})
    work(here)
    client.post(f"{here}/start")
    work(here)
    assert refused_of(client, here) == ["b,zwei,pieces: “zwei” is not a number."]


def test_all_or_nothing_that_stopped_tells_every_row_that_stood_in_its_way(
    client: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.engine.surfaces.imports import batches

    monkeypatch.setattr(batches.Reading.batches, "__defaults__", (2,))
    text = "name,code\r\n" + "".join(f"p{n},{n}\r\n" for n in range(8))
    here = upload(client, text).headers["Location"]
    form = {
        "columns": "1",
        "column-0": "name",
        "column-1": "code",
        "key": "",
        "all_or_nothing": "1",
    }
    client.post(f"{here}/check", data=form)
    work(here)
    with policy.acting_as(factories.viewer("admin")):
        factories.make("Parcel", name="there", code="3")
        factories.make("Parcel", name="there too", code="6")
    client.post(f"{here}/start")
    work(here)
    run = run_of(here)
    assert (run.state, (run.counts or {})["refused"]) == ("reversed", 2)
    assert names() == ["there", "there too"]
    assert [line.split(",")[0] for line in refused_of(client, here)] == ["p3", "p6"]
    assert "Code: another record" in client.get(here).get_data(as_text=True)
