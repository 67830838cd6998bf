"""Pages of users, roles and one's own profile."""

from __future__ import annotations

import contextlib
import re
import threading

import pytest

from app.engine import policy
from app.engine.adapters.appbuilder import accounts, second_factor_roles
from app.engine.adapters.database import db
from app.engine.errors import InvalidInput, NotAllowed
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
    assert "no-store" in page.headers["Cache-Control"]
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
        ({"password": "short"}, "at least 10 characters"),
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
        accounts.save_user(None, values, [role_id("Sales")], "long enough to be one")
    assert [problem.field for problem in refused.value.problems] == [None]


@pytest.fixture
def keeper(app, browser):
    """Signed in as somebody who manages accounts and is no administrator."""
    manager = app.appbuilder.sm
    role = manager.find_role("SystemAdmin")
    manager.add_user("keeper", "系", "统", "keeper@example.org", role, factories.PASSWORD)
    return browser("keeper")


def test_nobody_gives_rights_that_they_do_not_have(app, keeper):
    for username in ("keeper", "sales"):
        person = factories.user_id(username)
        answer = keeper.post(f"/users/edit/{person}", data=form(username=username, email=f"{username}@example.org", roles=[role_id("Admin")]))  # fmt: skip
        assert answer.status_code == 422
        assert "rights that you don&#39;t have yourself" in answer.text
    assert [role.name for role in factories.person("sales").roles] == ["Sales"]


def test_an_administrators_account_is_an_administrators_to_change(app, keeper):
    admin = factories.user_id("admin")
    data = form(username="admin", email="admin@example.org", roles=[role_id("Sales")])
    assert keeper.post(f"/users/edit/{admin}", data=data).status_code == 403
    with policy.acting_as(factories.viewer("keeper")), pytest.raises(NotAllowed):
        accounts.set_password(admin, "another password 9")


def test_one_active_administrator_remains(app):
    with policy.acting_as(policy.SYSTEM_VIEWER):
        for values, roles in (({"active": False}, None), ({}, [role_id("Sales")])):
            with pytest.raises(InvalidInput) as refused:
                accounts.save_user(factories.user_id("admin"), values, roles)
            assert [p.field for p in refused.value.problems] == ["active" if values else "roles"]
        accounts.save_user(factories.user_id("sales"), {}, [role_id("Admin")])
        accounts.save_user(factories.user_id("admin"), {"active": False})


@pytest.mark.parametrize("role", ["Auditor", "Sales", "PrivacyOfficer", "Guest"])
@pytest.mark.parametrize("username", ["keeper", "newcomer"])
def test_customers_are_not_one_click_away_from_who_manages_users(app, keeper, role, username):
    data = form(username=username, email=f"{username}@example.org", roles=[role_id(role)])
    address = (
        "/users/add" if username == "newcomer" else f"/users/edit/{factories.user_id(username)}"
    )
    answer = keeper.post(address, data=data)
    assert answer.status_code == 422
    assert "rights that you don&#39;t have yourself" in answer.text
    assert keeper.get("/customer/").status_code == 403


def test_nobody_signs_in_as_somebody_who_may_do_more(app, keeper):
    sales = factories.user_id("sales")
    before = factories.person("sales").password
    assert keeper.post(f"/resetpassword/form?pk={sales}", data={}).status_code == 403
    assert keeper.post(f"/passwordlink/{sales}").status_code == 403
    assert keeper.post(f"/secondfactors/reset/{sales}").status_code == 403
    page = keeper.get(f"/users/edit/{sales}").text
    assert "Give a new password" not in page
    assert "/passwordlink/" not in page
    for taken in ({"email": "keeper2@example.org"}, {"username": "taken"}):
        data = form(username="sales", email="sales@example.org") | taken
        answer = keeper.post(f"/users/edit/{sales}", data=data)
        assert answer.status_code == 422
        assert "may do more than yours" in answer.text
    db.session.rollback()
    person = factories.person("sales")
    assert (person.email, person.password) == ("sales@example.org", before)


def test_who_manages_users_keeps_accounts_and_takes_rights_away(app, keeper):
    answer = keeper.post("/users/add", data=form(roles=[]))
    assert answer.status_code == 200, "an administrator gives the role"
    sales = factories.user_id("sales")
    data = form(username="sales", email="sales@example.org", last_name="钱")
    assert keeper.post(f"/users/edit/{sales}", data=data).status_code == 302
    del data["active"]
    assert keeper.post(f"/users/edit/{sales}", data=data | {"roles": []}).status_code == 302
    db.session.rollback()
    person = factories.person("sales")
    assert (person.last_name, person.roles, person.active) == ("钱", [], False)
    keeper_id = factories.user_id("keeper")
    assert keeper.post(f"/resetpassword/form?pk={keeper_id}", data={}).status_code == 200


def test_the_second_factor_of_a_role_that_may_do_more_stays(app, keeper):
    wanted = [role_id("Admin"), role_id("SystemAdmin")]
    with policy.acting_as(factories.viewer("admin")):
        second_factor_roles.set_roles(wanted[:1])
    assert keeper.post("/secondfactors/roles", data={"roles": []}).status_code == 403
    with policy.acting_as(factories.viewer("keeper")):
        second_factor_roles.set_roles(wanted)
        second_factor_roles.set_roles(wanted[:1])
    assert second_factor_roles.roles_with() == {wanted[0]}


def test_two_administrators_who_switch_each_other_off(app, monkeypatch):
    """The one who comes second waits, and then sees what the first has done."""
    with policy.acting_as(policy.SYSTEM_VIEWER):
        accounts.save_user(factories.user_id("sales"), {}, [role_id("Admin")])
    people, both_allowed = ("admin", "sales"), threading.Barrier(2)
    end_access = accounts._end_access

    def allowed(session, user):
        with contextlib.suppress(threading.BrokenBarrierError):
            both_allowed.wait(1)
        end_access(session, user)

    monkeypatch.setattr(accounts, "_end_access", allowed)

    def switch_off(one, other):
        with app.app_context(), policy.acting_as(factories.viewer(one)):
            user = factories.user_id(other)
            db.session.rollback()
            with contextlib.suppress(InvalidInput):
                accounts.save_user(user, {"active": False})

    threads = [threading.Thread(target=switch_off, args=pair) for pair in (people, people[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert sorted(factories.person(name).active for name in people) == [False, True]
