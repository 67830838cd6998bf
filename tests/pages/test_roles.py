"""Roles in the browser: a grid in words, a preview, one change that can be taken back, refusals."""

from __future__ import annotations

import dataclasses
import html
import re
from typing import Any

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.engine import audit, policy, registry, roles
from app.engine.adapters.database import db
from tests.factories import user_id, viewer
from tests.pages.support import counted, given, hidden


def role_id(name: str) -> int:
    found = db.session.scalar(select(Role.id).where(Role.name == name))
    assert found is not None
    return found


def picture(name: str) -> roles.RolePicture:
    return roles.load_book(db.session()).roles[role_id(name)]


def lines(client: Any, number: int, *names: str) -> dict[str, Any]:
    """What the form of these rows would send when nothing is touched."""
    page = client.get(f"/roles/{number}/edit", query_string=[("ids", name) for name in names])
    assert page.status_code == 200
    data: dict[str, Any] = {"ids": list(names), "base": hidden(page.text, "base")}
    for name, options in re.findall(
        r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', page.text, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]*)" selected', options)
        data[name] = chosen.group(1) if chosen else ""
    for name, text in re.findall(
        r'<textarea[^>]* name="([^"]*)"[^>]*>(.*?)</textarea>', page.text, re.DOTALL
    ):
        data[name] = html.unescape(text)
    return data


def previewed(client: Any, number: int, name: str, **changes: str) -> Any:
    """The preview of changed lines on one entity: `read="all"`, `a_phone="hidden"`, `c_read="…"`."""
    data = lines(client, number, name)
    for key, value in changes.items():
        part = key if key[:2] in ("a_", "c_", "v_") else f"g_{key}"
        data[f"{part[0]}.{name}.{part[2:]}"] = value
    return client.post(f"/roles/{number}/edit", data=data)


def save(client: Any, page: Any) -> Any:
    """Send what the preview page holds."""
    names = ["role_id", "base", "proposal"]
    if 'name="undoes"' in page.text:
        names.append("undoes")
    return client.post("/roles/save", data={name: hidden(page.text, name) for name in names})


def audited(kind: str) -> list[str]:
    """The details of the entries of that kind in the audit log."""
    found = select(audit.AuditEntry.details).where(audit.AuditEntry.kind == kind)
    return [str(details) for details in db.session.scalars(found)]


def latest(number: int) -> roles.RoleChange:
    return roles.changes_of(number, 1)[0]


def test_the_list_says_what_roles_are_for_and_who_has_them(client: Any) -> None:
    page = client.get("/roles/list/").text
    assert "Sales representative" in page
    assert "Registers and keeps their own customers" in page


def test_a_role_reads_as_a_grid_in_words(client: Any) -> None:
    page = client.get(f"/roles/{role_id('AccountManager')}").text
    assert "those of the department and below" in page
    assert "Has every right of these as well:" in page
    assert "Sales representative" in page


def test_roles_stand_beside_each_other_for_one_entity(client: Any) -> None:
    page = client.get("/roles/compare?on=Contact").text
    assert page.count('<th scope="row"><a href="/roles/') == len(
        roles.load_book(db.session()).roles
    )
    assert "Birthday" in page  # hidden from some


def test_a_change_is_previewed_with_who_gains_and_then_saved(client: Any, browser: Any) -> None:
    given("Customer", name="别人的客户", account_manager=user_id("sales2"))
    number = role_id("Sales")
    page = previewed(client, number, "Customer", read="all")
    assert page.status_code == 200
    assert "2 people gain or lose something" in page.text
    assert "own records" in page.text
    assert "all records" in page.text
    assert "1 gained" in page.text
    assert picture("Sales").grants["Customer", "read"].scope == "own", "only looked at"
    assert "别人的客户" not in browser("sales").get("/customer/").text

    assert save(client, page).status_code == 303
    assert picture("Sales").grants["Customer", "read"].scope == "all"
    assert "别人的客户" in browser("sales").get("/customer/").text
    change = latest(number)
    assert change.before["grants"]["Customer"]["read"] == "own"
    assert change.after["grants"]["Customer"]["read"] == "all"
    assert change.by_name == viewer("admin").name
    assert '"grants.Customer.read": "all"' in audited("role.changed")[-1]


def test_several_rows_are_one_change(client: Any) -> None:
    number = role_id("Guest")
    data = lines(client, number, "Customer", "Contact")
    data["g.Customer.export"] = data["g.Contact.export"] = "own"
    assert save(client, client.post(f"/roles/{number}/edit", data=data)).status_code == 303
    assert len(roles.changes_of(number, 10)) == 1
    grants = picture("Guest").grants
    assert grants["Customer", "export"].scope == grants["Contact", "export"].scope == "own"


def test_a_change_is_undone_and_what_was_changed_since_stays(client: Any) -> None:
    number = role_id("Guest")
    save(client, previewed(client, number, "Customer", read="own", export="own"))
    first = latest(number)
    save(client, previewed(client, number, "Customer", export="team"))
    page = client.post(f"/roles/changes/{first.id}/undo")
    assert page.status_code == 200
    assert "1 line stays as it is" in page.text
    assert save(client, page).status_code == 303
    grants = picture("Guest").grants
    assert grants["Customer", "read"].scope == "all"
    assert grants["Customer", "export"].scope == "team"
    again = client.post(f"/roles/changes/{first.id}/undo")
    assert again.status_code == 422


def test_changes_of_roles_stand_in_the_general_history(client: Any, browser: Any) -> None:
    save(client, previewed(client, role_id("Guest"), "Customer", export="own"))
    change = latest(role_id("Guest"))
    assert 'href="/roles/changes"' in client.get("/changes/").text
    page = client.get("/roles/changes").text
    assert "Read-only guest" in page
    assert f"/roles/changes/{change.id}/undo" in page
    assert "/roles/changes" not in browser("sales").get("/changes/").text
    assert browser("sales").get("/roles/changes").status_code == 403


def test_a_field_is_masked_and_the_preview_says_for_whom(client: Any, browser: Any) -> None:
    record = given(
        "Customer", name="脱敏公司", phone="13800138000", account_manager=user_id("sales")
    )
    page = previewed(client, role_id("Sales"), "Customer", a_phone="hidden")
    assert "hidden" in page.text
    save(client, page)
    assert "13800138000" not in browser("sales").get(f"/customer/{record.id}").text


def test_a_condition_may_be_the_address_of_a_filtered_list(client: Any) -> None:
    page = previewed(
        client, role_id("Guest"), "Customer",
        c_read="http://localhost/customer/?f=name:ct:润&f=status:in:active&sort=name",
    )  # fmt: skip
    assert page.status_code == 200, page.text
    save(client, page)
    assert picture("Guest").grants["Customer", "read"].conditions == (
        "name:ct:润",
        "status:in:active",
    )


@pytest.mark.parametrize(
    "condition", ["gone:eq:1", "name:nonsense:1", "no condition", "created_at:ge:x"]
)
def test_a_condition_on_nothing_is_refused_in_words(client: Any, condition: str) -> None:
    page = previewed(client, role_id("Guest"), "Customer", c_read=condition)
    assert page.status_code == 422
    assert "is no condition" in page.text
    assert html.escape(condition) in page.text, "what was typed is still there"
    assert not roles.changes_of(role_id("Guest"), 1)


def test_a_role_is_added_copied_renamed_and_deleted(client: Any) -> None:
    names = {
        "label_zh": "区域销售",
        "label_en": "Regional sales",
        "purpose_zh": "",
        "purpose_en": "",
    }
    page = client.post(f"/roles/add?copy={role_id('Sales')}", data=names)
    assert page.status_code == 200
    assert save(client, page).status_code == 303
    number = role_id("Regional sales")
    assert picture("Regional sales").grants == picture("Sales").grants
    form = client.get(f"/roles/{number}/about").text
    data = {**names, "label_zh": "大区销售", "base": hidden(form, "base")}
    save(client, client.post(f"/roles/{number}/about", data=data))
    assert picture("Regional sales").names["label_zh"] == "大区销售"
    assert client.post(f"/roles/{number}/delete").status_code == 303
    assert number not in roles.load_book(db.session()).roles
    page = client.post(f"/roles/changes/{latest(number).id}/undo")
    assert save(client, page).status_code == 303
    assert picture("Regional sales").grants == picture("Sales").grants


def test_what_a_shipped_role_has_gained_is_offered_and_never_taken_over_by_itself(
    client: Any, app: Any
) -> None:
    """An installation whose role is older than an action that the shipped one has now."""
    number = role_id("Sales")
    older = picture("Sales").as_json()
    del older["grants"]["Customer"]["take"]
    policy.replace_role(db.session(), number, older)
    db.session.commit()
    grant_again(app)
    assert ("Customer", "take") not in picture("Sales").grants, "seeding leaves it as it is"
    page = client.get(f"/roles/{number}").text
    assert "The shipped role has since gained:" in page
    assert "take from the pool" in page
    preview = client.post(f"/roles/{number}/gained")
    assert "people gain or lose something" in preview.text
    assert save(client, preview).status_code == 303
    assert picture("Sales").grants["Customer", "take"].scope == "all"
    assert "has since gained" not in client.get(f"/roles/{number}").text


def test_what_somebody_took_out_of_a_role_is_not_offered_nor_seeded_again(
    client: Any, app: Any
) -> None:
    number = role_id("Guest")
    data = lines(client, number, "Contact", "Customer")
    data |= {name: "" for name in data if name.startswith(("g.Contact.", "a.Contact."))}
    save(client, client.post(f"/roles/{number}/edit", data=data))
    assert "has since gained" not in client.get(f"/roles/{number}").text
    grant_again(app)
    assert ("Contact", "read") not in picture("Guest").grants


def grant_again(app: Any) -> None:
    """What an update of Steward does."""
    from seeds.roles import ensure_roles, grant_rights

    grant_rights(db.session(), ensure_roles())
    db.session.commit()


def test_a_name_is_needed_and_no_other_roles(client: Any) -> None:
    names = {"label_zh": "", "label_en": "auditor", "purpose_zh": "", "purpose_en": ""}
    page = client.post("/roles/add", data=names)
    assert page.status_code == 422
    assert "This field is required." in page.text
    assert "Another role is called so." in page.text


def test_roles_in_use_or_built_in_are_not_deleted(client: Any) -> None:
    for name in ("Sales", "Finance"):
        answer = client.post(f"/roles/{role_id(name)}/delete")
        assert answer.status_code == 422
        assert role_id(name)


def test_includes_do_not_go_in_a_circle(client: Any) -> None:
    number = role_id("Sales")
    form = client.get(f"/roles/{number}/about").text
    data = {**picture("Sales").names, "includes": [role_id("AccountManager")],
            "base": hidden(form, "base")}  # fmt: skip
    page = client.post(f"/roles/{number}/about", data=data)
    assert page.status_code == 422
    assert "it would include itself" in page.text
    assert picture("Sales").includes == ()


def test_the_last_administrator_is_not_locked_out(client: Any) -> None:
    page = previewed(client, role_id("Admin"), "*", **{"*": "none"})
    assert page.status_code == 422
    assert "One active administrator must remain." in page.text
    assert picture("Admin").grants["*", "*"].scope == "all"
    assert "One active administrator must remain." in audited("role.refused")[-1]


def test_nobody_gives_what_they_do_not_have(browser: Any, app: Any) -> None:
    manager: Any = app.appbuilder.sm
    manager.add_user(
        "keeper", "员", "管", "keeper@example.org", manager.find_role("SystemAdmin"), "x" * 12
    )
    keeper = browser("keeper")
    page = previewed(keeper, role_id("Guest"), "Customer", update="all")
    assert page.status_code == 422
    assert "rights that you don&#39;t have yourself" in page.text
    # Through a role that includes it, neither.
    data = {**picture("Guest").names, "includes": [role_id("Auditor")],
            "base": picture("Guest").mark}  # fmt: skip
    assert keeper.post(f"/roles/{role_id('Guest')}/about", data=data).status_code == 422
    # What they have they may give.
    assert previewed(keeper, role_id("Guest"), "Team", read="all").status_code == 200


def test_a_forged_proposal_is_checked_again_and_a_stale_one_refused(client: Any) -> None:
    number = role_id("Guest")
    page = previewed(client, number, "Customer", export="own")
    data = {name: hidden(page.text, name) for name in ("role_id", "base", "proposal")}
    forged = {**data, "proposal": data["proposal"].replace('"own"', '"everything"')}
    assert client.post("/roles/save", data=forged).status_code == 422
    for broken in ("", "[]", "{", '{"label_zh": 1}'):
        assert client.post("/roles/save", data={**data, "proposal": broken}).status_code == 422
    assert client.post("/roles/save", data=data).status_code == 303
    assert client.post("/roles/save", data=data).status_code == 409
    assert len(roles.changes_of(number, 10)) == 1


def test_a_built_in_role_is_reset_to_what_steward_brings(client: Any) -> None:
    number = role_id("Support")
    before = picture("Support")
    save(client, previewed(client, number, "Customer", read="own", a_yearly_amount="write"))
    assert picture("Support") != before
    page = client.post(f"/roles/{number}/reset")
    assert page.status_code == 200
    save(client, page)
    assert picture("Support") == before


def test_only_who_manages_users_sees_or_changes_roles(browser: Any) -> None:
    sales, number = browser("sales"), role_id("Sales")
    for address in ("/roles/list/", f"/roles/{number}", f"/roles/{number}/edit?ids=Customer",
                    "/roles/add", "/roles/compare"):  # fmt: skip
        assert sales.get(address).status_code == 403, address
    for address in (f"/roles/{number}/delete", f"/roles/{number}/reset", "/roles/save",
                    f"/roles/{number}/edit?ids=Customer"):  # fmt: skip
        assert sales.post(address).status_code == 403, address


def test_no_page_of_flask_appbuilder_changes_rights_behind_the_policy(client: Any) -> None:
    for address in ("/api/v1/security/roles/", "/api/v1/security/permissions/",
                    "/api/v1/security/permissions-resources/", "/api/v1/security/users/",
                    "/roles/edit/1", "/permissions/list/", "/viewmenus/list/",
                    "/permissionviews/list/"):  # fmt: skip
        assert client.get(address).status_code in (404, 405), address
        assert client.post(address, json={"name": "x"}).status_code in (404, 405), address


def test_permission_rows_follow_what_is_saved(client: Any) -> None:
    number = role_id("Guest")

    def mirrored() -> set[str]:
        db.session.expire_all()
        found = db.session.get_one(Role, number).permissions
        return {f"{row.permission.name} {row.view_menu.name}" for row in found}

    assert "can_export Customer" not in mirrored()
    save(client, previewed(client, number, "Customer", export="own"))
    assert "can_export Customer" in mirrored()


def test_the_pages_ask_no_more_for_more_roles_and_lines(client: Any, app: Any) -> None:
    number = role_id("Guest")
    client.get(f"/roles/{number}")
    with counted() as few:
        client.get(f"/roles/{number}")
    with db.session.begin_nested():
        for n in range(400):
            db.session.add(
                policy.RoleGrant(role_id=number, entity=f"E{n}", action="read", scope="own")
            )
    db.session.commit()
    with counted() as many:
        client.get(f"/roles/{number}")
    assert len(many) == len(few) <= 20


@pytest.fixture
def three_hundred(app: Any) -> Any:
    """A registry of 300 further entities, and a role with rights on each."""
    present = registry.current()
    shelf = present.entities["Shelf"]
    many = dict(present.entities)
    for n in range(300):
        options = dataclasses.replace(shelf.options, name=f"Thing{n}", key=f"thing{n}")
        model: Any = type(f"Thing{n}", (), {"options": options})
        many[options.name] = registry.EntityDefinition(model, shelf.fields)
    number = role_id("Finance")
    rows = [
        policy.RoleGrant(role_id=number, entity=f"Thing{n}", action=action, scope="branch")
        for n in range(300)
        for action in policy.ACTIONS
    ]
    db.session.add_all(rows)
    db.session.commit()
    app.extensions["steward.registry"] = registry.Registry(present.version, many, present.lists)
    return app


def test_three_hundred_entities_cost_no_statement_more(client: Any, app: Any, request: Any) -> None:
    number = role_id("Finance")
    addresses = (
        "/roles/list/", f"/roles/{number}", "/roles/compare?on=Customer",
        f"/roles/{number}/edit?ids=Customer&ids=Contact",
    )  # fmt: skip

    def asked() -> list[int]:
        found = []
        for address in addresses:
            with counted() as statements:
                assert client.get(address).status_code == 200
            found.append(len(statements))
        return found

    asked()
    few = asked()
    request.getfixturevalue("three_hundred")
    page = client.get(f"/roles/{number}").text
    assert page.count('<th scope="row">') > 300
    assert asked() == few
    assert max(few) <= 15
    with counted() as statements:
        page = previewed(client, number, "Thing7", read="own").text
    assert "own records" in page
    assert len(statements) <= 40, "the preview of one line of hundreds"
