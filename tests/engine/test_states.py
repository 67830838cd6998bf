"""States with allowed moves, as the toy crate declares them: below every door, and in its pages."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.engine import policy, registry
from app.engine.changes import change_set, undo
from app.engine.errors import InvalidInput
from app.engine.states import Move, check_declared
from tests.factories import make, viewer

ALLOWED = {
    ("packed", "sent"),
    ("sent", "given"),
    ("packed", "lost"),
    ("sent", "lost"),
    ("given", "packed"),
    ("lost", "packed"),
}
STAGES = ("packed", "sent", "given", "lost")


def crate() -> registry.EntityDefinition:
    return registry.current().entity("Crate")


def change(record_id: int, door: str = "form", **values: Any) -> Any:
    with change_set(door) as changes:
        return changes.update(crate(), record_id, values)


def test_a_move_that_is_not_allowed_is_refused_in_the_readers_words(as_admin: Any) -> None:
    record = make("Crate")
    with pytest.raises(InvalidInput) as refused:
        change(record.id, stage="given", notes="x")
    (problem,) = refused.value.problems
    assert problem.field == "stage"
    assert "已装箱" in str(problem.message) or "Packed" in str(problem.message)


def test_what_a_step_asks_for_must_be_filled_in(as_admin: Any) -> None:
    record = make("Crate", stage="sent")
    with pytest.raises(InvalidInput) as refused:
        change(record.id, stage="given")
    assert [problem.field for problem in refused.value.problems] == ["notes"]
    assert change(record.id, stage="given", notes="签收人：王").stage == "given"


def test_a_step_may_have_a_condition(as_admin: Any) -> None:
    record = make("Crate", fragile=True)
    with pytest.raises(InvalidInput):
        change(record.id, stage="lost")
    assert change(record.id, stage="lost", fragile=False).stage == "lost"


def test_a_step_may_need_a_right_of_its_own(app: Any) -> None:
    with policy.acting_as(viewer("admin")):
        record = make("Crate", stage="sent", notes="到")
        change(record.id, stage="given")
    few = {"grants": {"Crate": {"read": "all", "update": "all"}}, "fields": {}}
    from app.engine.adapters.database import db

    policy.replace_role(db.session(), app.appbuilder.sm.find_role("Guest").id, few)
    registry.raise_version(db.session(), registry.RIGHTS)
    db.session.commit()
    policy.refresh_rights(registry.versions())
    with policy.acting_as(viewer("guest")), pytest.raises(InvalidInput) as refused:
        change(record.id, stage="packed")
    assert refused.value.problems[0].field == "stage"


def test_new_records_begin_where_they_may_but_for_those_with_a_history(as_admin: Any) -> None:
    with pytest.raises(InvalidInput):
        make("Crate", stage="given")
    with change_set("import") as changes:
        assert changes.create(crate(), {"name": "旧箱", "stage": "given"}).stage == "given"


def test_an_unknown_state_may_be_found_out_and_none_be_forgotten(as_admin: Any) -> None:
    record = make("Crate", stage=None)
    assert change(record.id, stage="lost").stage == "lost"
    with pytest.raises(InvalidInput):
        change(record.id, stage=None)


def test_undoing_may_go_back(as_admin: Any) -> None:
    record = make("Crate", stage="sent")
    with change_set("form") as changes:
        changes.update(crate(), record.id, {"stage": "given", "notes": "到"})
    report = undo(changes.id or 0)
    assert (report.kept, report.blocked) == (0, 0)
    with change_set("form") as changes:
        assert changes.load(crate(), record.id, "read").stage == "sent"


def test_a_declaration_names_states_that_there_are() -> None:
    with pytest.raises(ValueError, match="gone"):
        check_declared([Move("go", "Go", ("gone",), "packed")], STAGES, "stage")


def test_choices_may_be_those_of_another_entitys_field(app: Any) -> None:
    assert list(crate().fields["shelf_colour"].options.values()) == ["red", "blue"]  # type: ignore[attr-defined]


# -- every door ----------------------------------------------------------------------------------


def test_the_page_offers_the_steps_and_the_form_the_states(client: Any, as_admin: Any) -> None:
    record = make("Crate")
    page = client.get(f"/crate/{record.id}").get_data(as_text=True)
    assert f"/crate/{record.id}/do/send" in page
    assert f"/crate/{record.id}/do/give" not in page
    form = client.get(f"/crate/{record.id}/edit").get_data(as_text=True)
    assert '<option value="sent"' in form
    assert '<option value="given"' not in form


def test_a_step_that_asks_shows_its_form_first(client: Any, as_admin: Any) -> None:
    record = make("Crate", stage="sent")
    address = f"/crate/{record.id}/do/give"
    assert 'name="notes"' in client.get(address).get_data(as_text=True)
    assert client.post(address, data={"notes": ""}).status_code == 422
    assert client.post(address, data={"notes": "签收"}).status_code == 303
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        found = changes.load(crate(), record.id, "read")
    assert (found.stage, found.notes) == ("given", "签收")


def test_the_api_refuses_naming_the_field(client: Any, as_admin: Any) -> None:
    record = make("Crate")
    answer = client.put(f"/api/v1/crate/{record.id}", json={"stage": "given"})
    assert answer.status_code == 422
    assert "stage" in answer.get_data(as_text=True)


def test_bulk_work_takes_the_steps_that_are_open(client: Any, as_admin: Any) -> None:
    packed, sent = make("Crate"), make("Crate", stage="sent")
    client.post("/crate/bulk", data={"action": "do:send", "ids": [packed.id, sent.id]})
    with policy.acting_as(viewer("admin")), change_set("form") as changes:
        stages = [changes.load(crate(), one.id, "read").stage for one in (packed, sent)]
    assert stages == ["sent", "sent"]


def test_an_import_refuses_the_row(as_admin: Any, tmp_path: Any) -> None:
    from app.engine.surfaces import imports

    record, sent = make("Crate"), make("Crate", stage="sent", notes="到")
    file = tmp_path / "crates.csv"
    lines = [f"{record.name},given", f"{sent.name},given", "旧箱,given"]
    file.write_text("\n".join(["Name,Stage", *lines]), encoding="utf-8")
    report = imports.command("Crate", file, key="name").as_json()
    assert (report["refused"], report["changed"], report["new"]) == (1, 1, 1), report


# -- a machine -----------------------------------------------------------------------------------


class Stages(RuleBasedStateMachine):
    """Any door tries any state; what becomes of the crate is what the table of moves says."""

    @initialize()
    def begin(self) -> None:
        self.acting = policy.acting_as(viewer("admin"))
        self.acting.__enter__()
        self.record = make("Crate", notes="到")
        self.stage = "packed"

    @rule(stage=st.sampled_from(STAGES), door=st.sampled_from(["form", "api", "bulk", "import"]))
    def move(self, stage: str, door: str) -> None:
        allowed = stage == self.stage or (self.stage, stage) in ALLOWED
        try:
            change(self.record.id, door, stage=stage)
        except InvalidInput:
            assert not allowed
        else:
            assert allowed
            self.stage = stage

    @invariant()
    def stands(self) -> None:
        with change_set("form") as changes:
            assert changes.load(crate(), self.record.id, "read").stage == self.stage

    def teardown(self) -> None:
        self.acting.__exit__(None, None, None)


@pytest.mark.proof
def test_no_forbidden_move(app: Any) -> None:
    steps = 10_000 if os.environ.get("STEWARD_PROOF") == "full" else 300
    Stages.TestCase.settings = settings(
        max_examples=steps // 50, stateful_step_count=50, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    Stages.TestCase().runTest()
