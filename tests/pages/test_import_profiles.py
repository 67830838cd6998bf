"""Import profiles: a kind of file described once, and offered again by its header."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import jobs
from app.engine import policy
from app.engine.adapters import queue
from app.engine.adapters.database import db
from app.engine.errors import InvalidInput, NotFound
from app.engine.surfaces.imports import ImportProfile, ImportRun, command
from tests.pages.support import given

HEADER = "货品,条码,件数"
MAPPING = {"columns": "1", "column-0": "name", "column-1": "code", "column-2": "pieces"}


@pytest.fixture(autouse=True)
def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "send", lambda job_id, name: True)


def upload(client: Any, text: str, key: str = "parcel") -> str:
    file = (io.BytesIO(text.encode()), "rows.csv")
    return str(client.post(f"/import/{key}", data={"file": file}).headers["Location"])


def run_of(here: str) -> ImportRun:
    db.session.rollback()
    return db.session.get_one(ImportRun, int(here.rsplit("/", 1)[1]), populate_existing=True)


def work(here: str) -> None:
    jobs.run_job(str(run_of(here).job_id))


def kept(client: Any, name: str = "周报", **form: Any) -> str:
    """The page of an import whose columns were kept as a profile."""
    here = upload(client, f"{HEADER}\r\n箱子,A1,1\r\n")
    form = {**MAPPING, "key": "code", "mode": "update", "profile_name": name, **form}
    answer = client.post(f"{here}/profile/keep", data=form)
    assert answer.status_code == 303
    return here


def profiles() -> list[ImportProfile]:
    db.session.rollback()
    return list(db.session.scalars(select(ImportProfile).order_by(ImportProfile.id)))


def test_what_a_profile_asks_for_goes_with_the_columns(client: Any) -> None:
    """It stands below the form of the columns, and is sent with it."""
    page = client.get(upload(client, f"{HEADER}\r\n箱子,A1,1\r\n")).get_data(as_text=True)
    for name in ("profile_name", "share", "replace"):
        assert f'name="{name}" form="columns"' in page
    assert re.search(r'<button [^>]*form="columns" formaction="[^"]*/profile/keep"', page)


def test_a_file_with_the_same_header_finds_its_profile(client: Any) -> None:
    kept(client)
    run = run_of(upload(client, f"{HEADER}\r\n盒子,A2,2\r\n"))
    assert run.decided.mapping == {"货品": "name", "条码": "code", "件数": "pieces"}
    assert (run.decided.key, run.decided.mode) == ("code", "update")


def test_a_file_that_lacks_a_column_is_offered_the_profile_and_told_so(client: Any) -> None:
    kept(client, "周报")
    kept(client, "月报", **{"column-1": "", "key": "", "mode": "both"})
    here = upload(client, "条码,货品\r\nA2,盒子\r\n")
    assert run_of(here).decided.profile is None
    page = client.get(here).get_data(as_text=True)
    assert page.index("周报 · 2 of 3 columns") < page.index("月报 · 1 of 2 columns")
    assert client.post(f"{here}/profile", data={"profile": profiles()[0].id}).status_code == 303
    assert run_of(here).decided.mapping == {"条码": "code", "货品": "name"}
    page = client.get(here).get_data(as_text=True)
    assert "columns this file lacks: Pieces" in page
    assert "“周报” is in use" in page


def test_what_words_mean_is_kept_with_the_preview(client: Any) -> None:
    given("ChoiceOption", list_name="toy_grade", value="top", label_zh="特级", label_en="Top")
    text = "name,grade\r\n箱子,顶\r\n"
    here = upload(client, text)
    client.post(f"{here}/check", data={})
    work(here)
    client.post(f"{here}/check", data={"choice-grade-0": "top"})
    work(here)
    assert client.post(f"{here}/profile/keep", data={"profile_name": "级"}).status_code == 303
    again = upload(client, text)
    assert run_of(again).decided.choices == {"grade": {"顶": "top"}}
    client.post(f"{again}/check", data={})
    work(again)
    assert run_of(again).plan["new"] == 1  # type: ignore[index]


def test_a_name_is_not_given_twice_unless_it_is_to_be_replaced(client: Any) -> None:
    here = kept(client)
    form = {**MAPPING, "column-2": "", "profile_name": " 周报 "}
    refused = client.post(f"{here}/profile/keep", data=form)
    assert refused.status_code == 422
    assert "already" in refused.get_data(as_text=True)
    assert len(profiles()[0].options["mapping"]) == 3
    assert client.post(f"{here}/profile/keep", data={**form, "replace": "1"}).status_code == 303
    assert [len(profile.options["mapping"]) for profile in profiles()] == [2]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"profile_name": " "}, "Give the profile a name"),
        ({"profile_name": "x" * 81}, "at most 80"),
        ({"profile_name": "a", "column-0": "code"}, "both mapped"),
    ],
)
def test_what_cannot_be_kept_is_said(client: Any, form: dict[str, str], said: str) -> None:
    here = upload(client, f"{HEADER}\r\n箱子,A1,1\r\n")
    answer = client.post(f"{here}/profile/keep", data={**MAPPING, **form})
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert profiles() == []


def test_only_those_it_is_shared_with_see_a_profile(client: Any, browser: Any) -> None:
    text = "名字,号\r\n甲,1\r\n"
    form = {"columns": "1", "column-0": "name", "column-1": "external_code"}
    here = upload(client, text, "customer")
    client.post(f"{here}/profile/keep", data={**form, "profile_name": "内部"})
    client.post(f"{here}/profile/keep", data={**form, "profile_name": "公用", "share": "*"})
    sales = browser("sales")
    page = sales.get("/import/customer/profiles").get_data(as_text=True)
    assert ("公用" in page, "内部" in page) == (True, False)
    theirs = upload(sales, text, "customer")
    assert run_of(theirs).decided.profile == profiles()[1].id
    hidden, shared = (profile.id for profile in profiles())
    assert sales.post(f"{theirs}/profile", data={"profile": hidden}).status_code == 404
    for number in (hidden, shared):
        address = f"/import/customer/profiles/{number}"
        assert sales.post(address, data={"name": "x"}).status_code == 404
        assert sales.post(f"{address}/remove").status_code == 404
    assert browser("guest").get("/import/customer/profiles").status_code == 403
    assert client.get("/import/parcel/profiles").status_code == 200


def test_a_profile_is_shared_with_a_role(client: Any, browser: Any) -> None:
    role = policy.roles_with(db.session(), "Customer", "import")
    sales_role = next(one.role_id for one in role if one.label_en.startswith("Sales"))
    here = upload(client, "名字\r\n甲\r\n", "customer")
    form = {"columns": "1", "column-0": "name", "profile_name": "销售", "share": [sales_role, 999]}
    assert client.post(f"{here}/profile/keep", data=form).status_code == 303
    assert profiles()[0].shared == [sales_role]
    assert "销售" in browser("sales").get("/import/customer/profiles").get_data(as_text=True)


def test_a_profile_is_renamed_and_deleted(client: Any) -> None:
    kept(client, "周报")
    kept(client, "月报")
    first, second = (f"/import/parcel/profiles/{profile.id}" for profile in profiles())
    assert client.post(first, data={"name": "月报"}).status_code == 422
    assert client.post(first, data={"name": "季报", "share": "*"}).status_code == 303
    assert (profiles()[0].name, profiles()[0].shared) == ("季报", ["*"])
    assert client.post(f"{second}/remove").status_code == 303
    assert [profile.name for profile in profiles()] == ["季报"]
    assert client.post(f"{second}/remove").status_code == 404


def test_fields_that_one_may_not_import_are_left_out_and_named(client: Any, browser: Any) -> None:
    here = upload(client, "名字,代号\r\n甲,1\r\n", "customer")
    form = {"columns": "1", "column-0": "name", "column-1": "external_code"}
    client.post(f"{here}/profile/keep", data={**form, "profile_name": "全", "share": "*"})
    with policy.acting_as(policy.SYSTEM_VIEWER):
        profile = profiles()[0]
        profile.options = {**profile.options, "mapping": {"名字": "name", "代号": "created_at"}}
        db.session.commit()
    theirs = upload(browser("sales"), "名字,代号\r\n甲,1\r\n", "customer")
    assert run_of(theirs).decided.mapping == {"名字": "name"}
    assert "you may not import: Created at" in browser("sales").get(theirs).get_data(as_text=True)


def test_the_command_line_takes_a_profile_by_its_name(
    client: Any, browser: Any, tmp_path: Path
) -> None:
    given("Parcel", name="箱子", code="A1", pieces=1, phone=None)
    kept(client)
    path = tmp_path / "rows.csv"
    path.write_text(f"{HEADER}\n箱子,A1,5\n盒子,A2,2\n")
    with policy.acting_as(policy.SYSTEM_VIEWER):
        report = command("Parcel", path, profile="周报")
        assert (report.counts["changed"], report.counts["refused"]) == (1, 1)
        plain = command("Parcel", path, {"件数": ""}, profile="周报", dry_run=True)
        assert "件数" not in plain.mapping
        with pytest.raises(NotFound, match="年报"):
            command("Parcel", path, profile="年报")
        kept(browser("admin"), "年报", share="*")
        db.session.add(_twin(profiles()[-1]))
        db.session.commit()
        with pytest.raises(InvalidInput, match=r"\(system\), \d+ \(x\)"):
            command("Parcel", path, profile="年报")
        number = str(profiles()[-1].id)
        assert command("Parcel", path, profile=number, dry_run=True).counts["total"] == 2


def _twin(profile: ImportProfile) -> ImportProfile:
    from tests import factories

    return ImportProfile(
        entity=profile.entity, name=profile.name, user_id=factories.user_id("sales"),
        user_name="x", changed_at=profile.changed_at, columns=profile.columns,
        options=profile.options, shared=["*"],
    )  # fmt: skip
