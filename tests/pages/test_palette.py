"""What the search box offers while one types, the list of keys, and the menu “New”."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from app.engine import keys
from tests import factories
from tests.pages.support import counted, given


def labels(answer: Any) -> list[str]:
    """What is offered, from top to bottom."""
    found = re.findall(r'class="palette-title">([^<]*)<', answer.text)
    return [html.unescape(label) for label in found]


def test_a_record_is_found_however_it_is_written(browser: Any) -> None:
    given("Customer", name="重庆长江航运有限公司", phone="023-61887766")
    admin = browser("admin")
    for words in ("重庆", "重", "chongqing", "cqcj", "61887766", "887766", "航运"):
        assert "重庆长江航运有限公司" in labels(admin.get(f"/search/palette?q={words}")), words


def test_what_is_written_so_comes_before_what_sounds_so(browser: Any) -> None:
    given("Customer", name="Chongqing Freight")
    for number in range(7):
        given("Customer", name=f"重庆客户{number}")
    found = labels(browser("admin").get("/search/palette?q=chongqing"))
    assert found[0] == "Chongqing Freight"
    assert "重庆客户6" in found


def test_the_one_called_so_comes_before_those_that_mention_it(browser: Any) -> None:
    given("Customer", name="长风贸易")
    for number in range(6):
        given("Customer", name=f"其他客户{number}", notes="由长风贸易介绍")
    assert labels(browser("admin").get("/search/palette?q=长风贸易"))[0] == "长风贸易"


def test_rights_hold(browser: Any) -> None:
    given("Parcel", name="秘密包裹")
    given(
        "Customer", name="秘密客户", account_manager=factories.user_id("sales2"), phone="021-6123"
    )
    assert labels(browser("sales").get("/search/palette?q=秘密")) == ["Nothing found"]
    assert "秘密客户" in labels(browser("sales2").get("/search/palette?q=秘密"))
    given("Customer", name="有电话的客户", phone="021-61234567")
    assert "有电话的客户" in labels(browser("admin").get("/search/palette?q=61234567"))
    assert "有电话的客户" not in labels(browser("guest").get("/search/palette?q=61234567"))
    assert browser(None).get("/search/palette?q=秘密").status_code == 302


def test_pages_and_actions_are_those_that_one_may_use(browser: Any) -> None:
    assert "Audit log" in labels(browser("admin").get("/search/palette?q=audit"))
    assert labels(browser("sales").get("/search/palette?q=audit")) == ["Nothing found"]
    assert "New: Customer" in labels(browser("sales").get("/search/palette?q=new"))
    assert "New: Customer" not in labels(browser("guest").get("/search/palette?q=new"))
    dark = browser("sales").get("/search/palette?q=dark").text
    assert 'data-theme-value="dark"' in dark


def test_the_language_is_changed_and_the_page_kept(browser: Any) -> None:
    page = browser("admin").get("/search/palette?q=中文&here=/customer/%3Fq%3Da").text
    assert 'href="/lang/zh?next=/customer/%3Fq%3Da"' in page


def test_pages_are_found_in_chinese_by_pinyin_too(browser: Any) -> None:
    admin = browser("admin")
    admin.get("/lang/zh")
    for words in ("客户", "客", "kehu", "kh"):
        assert "客户" in labels(admin.get(f"/search/palette?q={words}")), words


def test_with_nothing_typed_the_latest_records_come_first(browser: Any) -> None:
    given("Customer", name="昨天的客户")
    given("Customer", name="今天的客户")
    found = labels(browser("admin").get("/search/palette"))
    assert found[:2] == ["今天的客户", "昨天的客户"]
    assert "Customers" in found
    assert "今天的客户" not in labels(browser("guest").get("/search/palette"))


def test_the_number_of_statements_does_not_grow_with_the_records(browser: Any) -> None:
    admin = browser("admin")

    def statements() -> int:
        admin.get("/search/palette?q=云帆")  # what is worked out once
        with counted() as sent:
            assert "云帆1" in labels(admin.get("/search/palette?q=云帆"))
        return len(sent)

    given("Customer", name="云帆1")
    few = statements()
    for number in range(2, 9):
        customer = given("Customer", name=f"云帆{number}")
        given("Contact", name=f"云帆联系人{number}", customer=getattr(customer, "id", customer))
    more = labels(admin.get("/search/palette?q=云帆"))
    assert len([label for label in more if re.fullmatch(r"云帆\d", label)]) == 5
    given("Customer", name="云帆1")
    assert statements() <= few + 12


def test_odd_input_is_text(browser: Any) -> None:
    admin = browser("admin")
    given("Customer", name="<b>粗</b>")
    page = admin.get("/search/palette?q=粗").text
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    for words in ("！！！", "%20", "…", "'\"\\", "a" * 500, "\u202e"):
        assert admin.get("/search/palette", query_string={"q": words}).status_code == 200


@pytest.mark.parametrize(("language", "word"), [("en", "Go home"), ("zh", "回到首页")])
def test_the_list_of_keys_comes_from_the_table(browser: Any, language: str, word: str) -> None:
    admin = browser("admin")
    admin.get(f"/lang/{language}")
    page = admin.get("/help/keys").text
    assert word in page
    assert page.count("<dt>") == sum(len(members) for _title, members in keys.GROUPS)
    assert "<html" not in admin.get("/help/keys", headers={"HX-Request": "true"}).text
    assert browser(None).get("/help/keys").status_code == 302


def test_no_key_stands_for_two_things() -> None:
    every = [row[0] for row in keys.table()]
    assert len(every) == len(set(every))
    first = {one.split(" ")[0] for one in every if " " in one}
    assert not first & set(every)


def test_the_menu_new_holds_what_one_may_add(browser: Any) -> None:
    assert 'href="/customer/add"' in browser("sales").get("/customer/").text
    page = browser("guest").get("/customer/").text
    assert 'id="quick-new"' not in page or 'href="/customer/add"' not in page
