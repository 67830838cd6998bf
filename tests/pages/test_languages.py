"""Which language a page comes in, and switching it."""

from __future__ import annotations

import datetime

import pytest
from babel.messages.pofile import read_po

from app.engine import policy
from app.engine.adapters import i18n
from app.engine.adapters.appbuilder import accounts
from tests import factories


def language_of(client, **headers):
    page = client.get("/users/userinfo/", headers=headers).text
    return "zh" if '<html lang="zh-CN"' in page else "en"


def test_the_browsers_language_else_chinese(browser):
    client = browser("sales")
    for accepted, language in (
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-TW", "zh"),
        ("fr,de", "zh"),
        ("", "zh"),
    ):
        assert language_of(client, **{"Accept-Language": accepted}) == language, accepted


def test_the_own_language_goes_before_the_browsers(browser):
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales"), {"language": "zh"})
    assert language_of(browser("sales"), **{"Accept-Language": "en"}) == "zh"


def test_the_choice_of_the_session_goes_before_both(browser):
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales"), {"language": "zh"})
    client = browser("sales")
    client.get("/lang/en")
    assert language_of(client, **{"Accept-Language": "zh"}) == "en"


@pytest.mark.parametrize("address", ["/users/list/?q=%E5%BC%A0&after=a%26b", "/login/", "/"])
def test_switching_keeps_the_page(client, address):
    page = client.get(address, follow_redirects=True)
    link = page.text.split('hreflang="zh"')[0].rsplit('href="', 1)[1].split('"')[0]
    switched = client.get(link.replace("&amp;", "&"))
    assert switched.location == page.request.full_path.rstrip("?")


def test_switching_never_leads_away(client):
    for wanted in ("//evil.example", "https://evil.example", "/\\evil.example", ""):
        answer = client.get("/lang/en", query_string={"next": wanted})
        assert answer.location == "/"


def test_an_unknown_language_is_no_page(client):
    assert client.get("/lang/fr").status_code == 404


def test_times_are_the_readers(app):
    this_year = datetime.datetime.now(datetime.UTC).year
    long_ago = datetime.datetime(2001, 2, 3, 20, 30, tzinfo=datetime.UTC)  # the 4th in China
    with app.app_context(), app.test_request_context(headers={"Accept-Language": "zh"}):
        assert i18n.short_time(long_ago) == "2001年2月4日"
        assert "2001年2月4日" in i18n.full_time(long_ago)
        assert i18n.short_time(datetime.date(this_year, 1, 2)) == "1月2日"
        assert i18n.number(1234567.5) == "1,234,567.5"
        assert i18n.short_time(None) == ""
    with app.app_context(), app.test_request_context(headers={"Accept-Language": "en"}):
        assert i18n.short_time(datetime.date(2001, 2, 3)) == "Feb 3, 2001"


def test_catalogs_are_compiled_when_older(tmp_path):
    folder = tmp_path / "zh" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "messages.po"
    source.write_text('msgid "Save"\nmsgstr "保存"\n', encoding="utf-8")
    assert i18n.compile_catalogs(tmp_path) == [folder / "messages.mo"]
    assert i18n.compile_catalogs(tmp_path) == []
    assert read_po(source.open("rb"))["Save"].string == "保存"


def test_a_broken_catalog_is_named(tmp_path):
    folder = tmp_path / "zh" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text("msgid nonsense\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"messages\.po"):
        i18n.compile_catalogs(tmp_path)
