"""Pages of users, roles and one's own profile."""

from __future__ import annotations

import re

import pytest

from app.engine import policy
from app.engine.adapters.appbuilder import accounts
from app.engine.adapters.database import db
from app.engine.errors import InvalidInput
from tests import factories
from tests.pages.support import hrefs

PAGES = ("/users/list/", "/users/add", "/users/edit/1", "/roles/list/", "/resetpassword/form?pk=2")


def role_id(name):
    return next(role.id for role in accounts.all_roles() if role.name == name)


def form(**values):
    return {
        "last_name": "赵",
        "first_name": "敏",
        "username": "zhaomin",
        "email": "zhaomin@example.org",
        "roles": [role_id("Sales")],
        "active": "y",
        **values,
    }


@pytest.mark.parametrize("address", PAGES)
def test_only_those_who_manage_users(browser, address):
    assert browser("admin").get(address).status_code == 200
    assert browser("sales").get(address).status_code == 403
    assert browser(None).get(address).location.startswith("/login/?next=")


@pytest.mark.parametrize("address", ["/users/add", "/users/edit/2", "/resetpassword/form?pk=2"])
def test_writing_takes_the_right_too(browser, address):
    assert browser("sales").post(address, data=form()).status_code == 403


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("address", [*PAGES, "/users/userinfo/", "/resetmypassword/form"])
def test_both_languages(client, address, language):
    page = client.get(address, headers={"Accept-Language": language})
    assert page.status_code == 200
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in page.text


def test_a_generated_password_is_shown_once_and_has_to_be_changed(client, visitor):
    page = client.post("/users/add", data=form())
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    password = re.search(r'id="secret">([^<]+)<', page.text)[1]
    db.session.rollback()
    person = factories.person("zhaomin")
    assert person.full_name == "赵敏"
    assert person.must_change_password
    assert password not in client.get(f"/users/edit/{person.id}").text
    signed_in = visitor()
    signed_in.post("/login/", data={"username": "zhaomin", "password": password})
    assert signed_in.get("/users/userinfo/").location == "/resetmypassword/form"


def test_a_typed_password_is_not_shown(client):
    page = client.post("/users/add", data=form(password="typed by hand 1"))
    assert page.status_code == 200
    assert "typed by hand 1" not in page.text


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"username": "SALES"}, "This user name is taken."),
        ({"email": "Sales@example.org"}, "belongs to another account"),
        ({"username": ""}, "Fill in this field."),
        ({"username": "two words"}, "Letters, digits and"),
        ({"username": "x" * 65}, "At most 64 characters."),
        ({"email": "nowhere"}, "This is not an e-mail address."),
        ({"roles": []}, "Choose at least one role."),
        ({"roles": [9999]}, "not a valid choice"),
        ({"password": "short"}, "at least 8 characters"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(client, wrong, message):
    page = client.post("/users/add", data=form(**wrong))
    assert page.status_code == 422
    assert message in page.text
    assert "aria-invalid" in page.text
    assert "zhaomin@example.org" in page.text or "email" in wrong


def test_editing_keeps_history_and_the_password(client):
    sales = factories.user_id("sales")
    before = factories.person("sales").password
    page = client.post(f"/users/edit/{sales}", data=form(username="sales", email="s@example.org"))
    assert page.location == "/users/list/"
    db.session.rollback()
    person = factories.person("sales")
    assert (person.full_name, person.email, person.password) == ("赵敏", "s@example.org", before)
    change = accounts.changes_of(sales)[0]
    assert set(change.after) == {"last_name", "first_name", "email"}
    assert change.by_name == factories.person("admin").full_name
    page = told(client.get(f"/users/edit/{sales}").text)
    assert ["E-mail", "sales@example.org", "s@example.org"] in page
    assert ["Family name", "张", "赵"] in page


def test_history_tells_of_roles_and_passwords_in_words(client):
    sales = factories.user_id("sales")
    roles = [role_id("Sales"), role_id("Guest")]
    client.post(f"/users/edit/{sales}", data=form(username="sales", roles=roles))
    client.post(f"/resetpassword/form?pk={sales}", data={"password": "Quiet-Harbour-27"})
    db.session.rollback()
    page = client.get(f"/users/edit/{sales}").text
    both = {tuple(line) for line in told(page)}
    assert ("Password", "–", "A new one") in both
    assert "Quiet-Harbour-27" not in page
    [(before, after)] = [line[1:] for line in both if line[0] == "Roles"][:1]
    assert before in after
    assert ", " in after


def test_a_long_history_is_paged(client, monkeypatch):
    monkeypatch.setattr("app.engine.adapters.appbuilder.users.HISTORY", 1)
    sales = factories.user_id("sales")
    for email in ("one@example.org", "two@example.org"):
        accounts_page = f"/users/edit/{sales}"
        client.post(accounts_page, data=form(username="sales", email=email))
    latest = client.get(accounts_page).text
    older = next(href for href in hrefs(latest) if "before=" in href)
    assert ["E-mail", "one@example.org", "two@example.org"] in told(latest)
    assert ["E-mail", "sales@example.org", "one@example.org"] in told(client.get(older).text)


def told(page):
    """Of each line of the account's history the field, before and after."""
    history = page[page.index('id="history"') :]
    rows = re.findall(r"<tr>(.*?)</tr>", history, re.DOTALL)[1:]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)[2:] for row in rows]
    return [[re.sub(r"<[^>]*>", "", cell).strip() for cell in row] for row in cells]


def test_unticked_means_switched_off(client):
    sales = factories.user_id("sales")
    data = form(username="sales")
    del data["active"]
    client.post(f"/users/edit/{sales}", data=data)
    db.session.rollback()
    assert factories.person("sales").active is False


def test_nobody_locks_themselves_out(client):
    admin = factories.user_id("admin")
    mine = form(username="admin", roles=[role_id("Admin")])
    del mine["active"]
    assert "switch off your own account" in client.post(f"/users/edit/{admin}", data=mine).text
    lesser = form(username="admin", roles=[role_id("Sales")])
    assert "own right to manage users" in client.post(f"/users/edit/{admin}", data=lesser).text
    db.session.rollback()
    assert factories.person("admin").active
    assert [role.name for role in factories.person("admin").roles] == ["Admin"]


def test_no_such_user(client):
    for address in ("/users/edit/99999", "/resetpassword/form?pk=99999", "/resetpassword/form"):
        assert client.get(address).status_code == 404
    assert client.get("/users/edit/99999999999999999999").status_code == 404


def test_given_password_ends_sessions(client, browser):
    theirs = browser("sales")
    page = client.post(f"/resetpassword/form?pk={factories.user_id('sales')}", data={})
    assert 'id="secret"' in page.text
    assert theirs.get("/users/userinfo/").status_code == 302


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("张伟", "sales"),
        ("hopper", "sales2"),
        ("GUEST@", "guest"),
        ("100%", None),
        ("_", None),
        ("grace hopper", "sales2"),
    ],
)
def test_search(client, words, found):
    page = client.get("/users/list/", query_string={"q": words}).text
    names = re.findall(r"<td>(\w+)</td>", page)
    assert names == ([found] if found else [])


def test_the_list_is_read_page_by_page(client, monkeypatch):
    from app.engine.adapters.appbuilder import users

    monkeypatch.setattr(users, "PAGE", 3)
    seen, address = [], "/users/list/"
    while address:
        page = client.get(address).text
        seen += re.findall(r"<td>(\w+)</td>", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else None
    assert seen == sorted(factories.PEOPLE)
    back = re.search(r'rel="prev" href="([^"]+)"', page)[1].replace("&amp;", "&")
    assert re.findall(r"<td>(\w+)</td>", client.get(back).text) == sorted(factories.PEOPLE)[:3]


def test_roles_are_shown_in_words(client):
    page = client.get("/roles/list/").text
    for words in ("Sales representative", "own records", "Personal data: masked"):
        assert words in page


def test_the_own_profile(browser):
    client = browser("sales")
    data = {"first_name": "Ada", "last_name": "Lovelace", "language": "zh", "theme": "dark"}
    answer = client.post("/users/userinfo/", data=data)
    assert answer.status_code == 302
    page = client.get("/users/userinfo/").text
    assert 'lang="zh-CN"' in page
    assert 'data-bs-theme="dark"' in page
    assert "Ada Lovelace" in page


def test_a_profile_gives_no_rights(browser):
    client = browser("sales")
    data = {"first_name": "x", "theme": "light", "language": "", "username": "root",
            "roles": [role_id("Admin")], "active": ""}  # fmt: skip
    assert client.post("/users/userinfo/", data=data).status_code == 302
    db.session.rollback()
    person = factories.person("sales")
    assert person.active
    assert [role.name for role in person.roles] == ["Sales"]


def test_two_at_once_with_the_same_name(app, monkeypatch):
    """Both looked before either wrote: the database decides, and it is said in words."""
    monkeypatch.setattr(accounts, "_taken", lambda *_: False)
    values = {"username": "sales", "first_name": "x", "last_name": "", "email": "x@example.org"}
    with policy.acting_as(policy.SYSTEM_VIEWER), pytest.raises(InvalidInput) as refused:
        accounts.save_user(None, values, [role_id("Sales")], "long enough")
    assert [problem.field for problem in refused.value.problems] == [None]


def test_generated_passwords_differ_and_can_be_used():
    made = {accounts.generate_password() for _number in range(200)}
    assert len(made) == 200
    assert all(accounts.password_problem(password) is None for password in made)
