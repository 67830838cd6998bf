"""The world that the doors lead to: rows of three people for every entity, each cell with its marker.

Two worlds of one persona differ in nothing but what that persona may not see: where any answer
differs between them, something of it came through.
"""

from __future__ import annotations

import datetime
import decimal
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask import current_app
from sqlalchemy import delete, select, text, update

from app.engine import policy, registry
from app.engine.adapters.database import db, now
from app.engine.changes import change_set
from app.engine.files import FileUpload
from app.engine.job import Job
from app.engine.policy import EVERYTHING, Viewer
from app.engine.registry import EntityDefinition
from tests import factories
from tests.matrix.markers import Net, marker, number_of, unmarked, word
from tests.matrix.personas import ACTIONS, FAR, MINE, NEAR, WHOSE, Persona
from tests.reading_files import read_quickly

LIVE = {MINE: 3, NEAR: 1, FAR: 2}
"""So many rows of each; one more of each, but of the one nearby, is in the trash."""

NEXT = 1000
"""What is made while asking has greater numbers."""

LEVEL = "2"
"""The version of every record."""

MET = datetime.datetime(2020, 3, 5, 6, 30, tzinfo=datetime.UTC)
"""When all interactions were: the latest stands on what they belong to."""

FITTING: dict[str, dict[str, Any]] = {
    "EvaluationRule": {
        "high_from": decimal.Decimal(500_000),
        "middle_from": decimal.Decimal(100_000),
        "new_months": 3,
        "active_months": 3,
        "dormant_months": 6,
        "high_score": 4,
    },
    "Ticket": {"solved_at": None},  # comes by the move alone
    "Survey": {"pause_days": 90, "open_days": 30},
    "Question": {"kind": "text", "low": None, "high": None, "choices_text": None},
    "Interaction": {"next_step_on": None, "next_step_owner": None, "at": MET},
    "PersonalDataRequest": {"entity": None, "record": None, "state": "open", "done_on": None},
    "PlanRule": {"every_months": 3, "due_days": 20},
    "DocumentClass": {"retention": "years_10", "retention_years": None},
    "Document": {"retention": "years_10", "retention_years": None},
    "LegalHold": {"release_reason": None},  # comes by the release alone
    "ArchivePackage": {"by_rule": False, "document_state": None, "least_age": 0},
    "ServiceLevel": {"response_minutes": 10, "solution_minutes": 120},
}
"""What rules want of an entity's values."""

STAYS = {
    ("TicketMessage", "kind"), ("Questionnaire", "*"), ("Question", "*"),
    ("DocumentVersion", "document"), ("DocumentVersion", "number"), ("DocumentFile", "document_version"),
}  # fmt: skip
"""Fields that keep the value that a record was made with."""

ALIKE = {
    ("ServiceLevel", "*"),
    ("PriorityRule", "*"),
    ("ChoiceOption", "*"),
    ("Ticket", "priority"),
    ("Ticket", "complex"),
    ("Ticket", "opened_at"),
}
"""Fields that are alike in both worlds: what may be seen, as times and the order of choices, is worked
out by them."""

NOT_TRASHED = {"Questionnaire", "Question", "EvaluationRun"}
"""What was answered can't go; with a run go its results."""

OLD = "old"
"""What stood in a row before it was changed: only its history knows."""

CUSTOM = {"Customer": ("text", "phone"), "Parcel": ("text", "integer"), "Shelf": ("email",)}
"""Fields made at run time, of these kinds."""

MADE_ONCE = {"ArchiveItem", "CustomField", "DepartmentMember", "PoolRule"}
"""Entities whose rows the world makes by itself."""

SET_UP = {"CalendarDay", "OfficeHours", "PriorityRule", "QueueLead"}
"""Settings that everybody's working time, priority and lead come of: nobody's secret; and most have
a row for each of their few keys already."""


@dataclass
class Row:
    """One planted record."""

    entity: str
    whose: str
    number: int
    id: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    parent: Row | None = None
    trashed: bool = False


class World:
    """All that is planted for one persona; `variant` turns what they may not see into something else."""

    def __init__(self, persona: Persona, variant: str = "") -> None:
        self.persona, self.variant = persona, variant
        self.rows: dict[str, list[Row]] = {}
        self.tokens: dict[str, str] = {}
        self.shown: set[str] = set()
        """What stands in cells that are seen: by chance a day may stand in two."""
        self.cells = 0
        self.people = {whose: _person(f"matrix_{whose}") for whose in WHOSE}
        self.change_sets: list[int] = []
        _custom_fields()
        self._organise()
        self._plant()
        self._keep_results()
        read_quickly()
        self._level()
        self._share()
        self.take_roles(persona)
        db.session.remove()

    @property
    def me(self) -> int:
        return self.people[MINE]

    @cached_property
    def net(self) -> Net:
        secret = {token: cell for token, cell in self.tokens.items() if token not in self.shown}
        return Net(secret)

    def of(self, entity: str, whose: str = MINE, trashed: bool = False) -> list[Row]:
        """Rows of somebody that there are in both worlds."""
        return [
            row
            for row in self.rows.get(entity, ())
            if row.whose == whose and row.trashed == trashed and row.number <= LIVE[whose]
        ]

    def take_roles(self, persona: Persona | None) -> None:
        """From now on the person has the persona's roles; None: a role that may do everything."""
        manager: Any = current_app.appbuilder.sm  # type: ignore[attr-defined]
        user = db.session.get(manager.user_model, self.me)
        if persona is None:
            user.roles = [manager.find_role("Admin")]
        else:
            user.roles = _roles(manager, persona)
        registry.raise_version(db.session(), registry.RIGHTS)
        db.session.commit()
        policy.refresh_rights(registry.versions())

    # -- planting ----------------------------------------------------------------------------

    def _organise(self) -> None:
        """A department of one's own, one below it, another; a team with somebody of the second."""
        self.rows["DepartmentMember"] = []
        with policy.acting_as(policy.SYSTEM_VIEWER):
            for whose in WHOSE:
                definition = registry.current().entity("Department")
                row = Row("Department", whose, 0)
                values = self._values(definition, row, "")
                values["parent"] = self.rows["Department"][0].id if whose == NEAR else None
                self._create(definition, row, values)
                member = Row("DepartmentMember", whose, 0, parent=row)
                values = self._values(registry.current().entity("DepartmentMember"), member, "")
                values |= {"department": row.id, "person": self.people[whose]}
                self._create(registry.current().entity("DepartmentMember"), member, values)

    def _create(self, definition: EntityDefinition, row: Row, values: dict[str, Any]) -> None:
        with change_set("form") as changes:
            row.id = changes.create(definition, values, approved=definition.review).id
        row.values = values
        self.rows.setdefault(definition.name, []).append(row)
        self._mark(definition, row)

    def _plant(self) -> None:
        """Made by whose they are; then changed, all at once, and a few of them deleted, by oneself."""
        for whose in WHOSE:
            self._plant_of(whose)
        with self._as(MINE), change_set("form") as changes:
            for definition in self._definitions():
                for row in self._planted(definition):
                    values = self._values(definition, row, "")
                    stays = [
                        name for name in values if _stands(definition, definition.fields[name])
                    ]
                    wanted = {name: values[name] for name in values if name not in stays}
                    record = changes.update(definition, row.id, wanted)
                    # Rules, and what belongs to it, may have made something else of them.
                    row.values = {name: definition.fields[name].get(record) for name in values}
                    self._mark(definition, row)
                self._file_as_many(definition, "")
        self.change_sets.append(changes.id or 0)
        with self._as(MINE), change_set("form") as changes:
            for definition in reversed(self._definitions()):
                if definition.name in NOT_TRASHED:
                    continue
                for row in self._planted(definition):
                    if row.number == LIVE[row.whose] and row.whose != NEAR:
                        row.trashed = True
                        changes.trash(definition, row.id)
        self.change_sets.append(changes.id or 0)

    def _plant_of(self, whose: str) -> None:
        with self._as(whose), change_set("form") as changes:
            for definition in self._definitions():
                for number in range(self._count(definition, whose)):
                    row = Row(definition.name, whose, number)
                    values = self._values(definition, row, OLD)
                    approved = definition.review and number != 1
                    row.id = changes.create(definition, values, approved=approved).id
                    self.rows.setdefault(definition.name, []).append(row)
                if whose == FAR:
                    self._file_as_many(definition, OLD)

    def _keep_results(self) -> None:
        """Evaluations that planting has asked for are not done: they would replace planted results."""
        with policy.unrestricted("the world keeps what is planted") as session:
            session.execute(delete(Job).where(Job.kind == "evaluation"))
            session.commit()

    def _level(self) -> None:
        """How often each was changed while planting is no secret, and the same in both worlds; so is
        the number of what is made next.
        """
        with policy.unrestricted("the world makes its versions alike") as session:
            for name in self.rows:
                model: Any = registry.current().entity(name).model
                session.execute(
                    update(model).values(version=int(LEVEL)),
                    execution_options={"synchronize_session": False},
                )
                _number_from(session, model.__tablename__)
            session.commit()

    def _planted(self, definition: EntityDefinition) -> list[Row]:
        return self.rows.get(definition.name, [])

    def _as(self, whose: str) -> Any:
        return policy.acting_as(Viewer(self.people[whose], whose, EVERYTHING))

    def _definitions(self) -> list[EntityDefinition]:
        """Those that rows are planted of, each after what it refers to."""
        entities = registry.current().entities
        left = [
            d for name, d in entities.items() if name not in (*MADE_ONCE, *SET_UP, "Department")
        ]
        left.sort(key=lambda d: "record" in d.fields)
        done: list[EntityDefinition] = []
        while left:
            waiting = {d.name for d in left}
            first = next(
                d for d in left
                if not {str(f.target) for f in d.references if not f.system} - {d.name} & waiting
            )  # fmt: skip
            left.remove(first)
            done.append(first)
        return done

    def _count(self, definition: EntityDefinition, whose: str) -> int:
        """One more of somebody else's in the other world, so that no count can tell."""
        more = 1 if whose != NEAR else 0
        if whose == FAR and self.variant and not self._seen_all(definition):
            more += 1
        return LIVE[whose] + more

    def _file_as_many(self, definition: EntityDefinition, age: str) -> None:
        """Files for which there are rows in the other world alone, so that numbers of files are alike."""
        if not self.variant and not self._seen_all(definition):
            for name, item in definition.fields.items():
                if item.type_name == "file" and not item.read_only:
                    _filed(number_of("nowhere", definition.name, name, age))

    def _seen_all(self, definition: EntityDefinition) -> bool:
        return self.persona.reaches(definition.name, Row(definition.name, FAR, 99))

    def brought(self, seed: int) -> int:
        """The number of a file that the persona has brought."""
        with self._as(MINE):
            return _filed(seed)

    def upload_of(self, whose: str) -> str:
        """The token of a file that somebody has brought."""
        with self._as(whose):
            _filed(number_of("upload", whose))
        with policy.unrestricted("the test looks for a token") as session:
            wanted = select(FileUpload.token).where(FileUpload.user_id == self.people[whose])
            return str(session.scalar(wanted.order_by(FileUpload.id.desc())))

    def _values(self, definition: EntityDefinition, row: Row, age: str) -> dict[str, Any]:
        row.parent = self._parent(definition, row)
        if not row.values:  # whether the row is reached decides on its other fields
            row.values = {
                name: self._value(definition, definition.fields[name], row, "", {})
                for name in sorted(self._conditions(definition.name))
            }
        values: dict[str, Any] = {}
        for name, item in definition.fields.items():
            if not item.system and not item.read_only and item.type_name != "serial":
                values[name] = self._value(definition, item, row, age, values)
        return self._fitted(definition, row, values)

    def _parent(self, definition: EntityDefinition, row: Row) -> Row | None:
        through = definition.options.scope_through
        if through is None:
            return None
        target = str(definition.fields[through].target)
        return self._beside(target, row)

    def _beside(self, target: str, row: Row) -> Row | None:
        """The row of the other entity that this one belongs to: of the same person."""
        found = [r for r in self.rows.get(target, ()) if r.whose == row.whose]
        return found[row.number % len(found)] if found else None

    def _another(self, target: str, row: Row) -> int:
        """Of the next one after `_beside`; of somebody's who has several, where there is one alone."""
        found = [r for r in self.rows[target] if r.whose == row.whose]
        others = found if len(found) > 1 else [r for r in self.rows[target] if r.whose == MINE]
        return others[(row.number + 1) % len(others)].id

    def _value(
        self, definition: EntityDefinition, item: Any, row: Row, age: str, before: dict[str, Any]
    ) -> Any:
        place = (row.whose, row.number, age)
        variant = self._variant(definition, item, row)
        seed = number_of(definition.name, item.name, *place, variant)
        if item.target == policy.USERS:
            return self._owner(definition, item, row, variant)
        if item.target is not None:
            target = str(item.target)
            found = None if target == definition.name else self._beside(target, row)
            return found.id if found else None
        if item.type_name == "boolean":
            # That a masked one was changed may be known: so each was, in both worlds.
            seed = number_of(definition.name, item.name, row.whose, row.number, variant)
            return bool((seed + (age == OLD)) % 2)
        if item.type_name == "choice":
            # Whether a masked one is empty may be known: those that refine others stay as they are.
            refining = {getattr(other, "parent", None) for other in definition.fields.values()} - {
                None
            }
            alike = item.parent is not None or item.name in refining
            if (definition.name, item.name) in STAYS:  # which of them is seen may hang on it
                alike = True
            variant = "" if alike else variant
            seed = number_of(definition.name, item.name, row.whose, row.number, variant)
            if not _stands(definition, item):  # else what it was made as it stays
                seed += age == OLD  # so that each was changed, in both worlds
            return _option(item, before, seed)
        if item.name.endswith("_currency"):
            return "CNY"
        if unmarked(definition.name, item.name):
            return None
        if item.type_name == "file":
            return _filed(seed)
        return marker(definition, item, place, variant).kept

    def _variant(self, definition: EntityDefinition, item: Any, row: Row) -> str:
        """Which world decides on the cell: none where it is seen, or what is seen hangs on it."""
        alike = {(definition.name, item.name), (definition.name, "*")} & ALIKE
        conditions = self._conditions(definition.name)
        alike = alike or item.name in conditions  # which rows are reached hangs on it
        return "" if alike or self._plain(definition, item, row) else self.variant

    def _conditions(self, entity: str) -> set[str]:
        """Fields of the entity that the persona's roles ask about."""
        return {
            condition.partition(":")[0]
            for action in ACTIONS
            for _scope, conditions in self.persona.grants(entity, action)
            for condition in conditions
        }

    def _owner(self, definition: EntityDefinition, item: Any, row: Row, variant: str) -> int:
        if item is definition.owner_field:
            return self.people[row.whose]
        others = [whose for whose in WHOSE if whose != row.whose]
        return self.people[others[1 if variant else 0]]

    def _fitted(
        self, definition: EntityDefinition, row: Row, values: dict[str, Any]
    ) -> dict[str, Any]:
        """What rules want of an entity."""
        if definition.name in ("RecordShare", "PoolMove", "LegalHold"):
            shelf = self._beside("Shelf", row)
            assert shelf is not None
            values |= {"entity": "Shelf", "record": shelf.id}
        if definition.name == "RecordShare":
            values |= {"team": None, "may_edit": False}
        if definition.name == "SavedView":
            values |= {"entity": "Shelf", "address": "/shelf/?f=id:ge:0", "roles": None}
            values["everyone"] = False
        if definition.name == "Delegation":  # of a year at most
            values["last_day"] = values["first_day"] + datetime.timedelta(days=300)
        values |= FITTING.get(definition.name, {})
        if definition.name == "CustomerRelation":
            # Each once: where there are more of them than customers, others of another kind.
            more = row.number >= len([r for r in self.rows["Customer"] if r.whose == row.whose])
            kind = "referrer" if more else "partner"
            values |= {"kind": kind, "other": self._another("Customer", row)}
        if "given_at" in values and values["withdrawn_at"] < values["given_at"]:
            values["withdrawn_at"] = values["given_at"] + datetime.timedelta(days=18_000)
        if definition.name == "DocumentClass":
            values["code"] = f"m-{row.whose}-{row.number}"
        if definition.name == "ChoiceOption":
            name = f"m_{row.whose}_{row.number}"
            values |= {"list_name": "toy_grade", "value": name, "label_zh": name, "label_en": name}
            values |= {"parent": None, "parent_value": None}
        if definition.name == "TeamMember" and row.whose == NEAR:
            row.parent = self.of("Team", MINE)[0]
            values["team"] = row.parent.id
        return {name: value for name, value in values.items() if name in definition.fields}

    def _plain(self, definition: EntityDefinition, item: Any, row: Row) -> bool:
        """Whether the persona sees the cell as it is."""
        seen = self.persona.access(definition.name, item.name) in ("read", "write")
        return seen and self.persona.reaches(definition.name, row)

    def _mark(self, definition: EntityDefinition, row: Row) -> None:
        """Remember what betrays the cells of the row that may not be seen."""
        for name, item in definition.fields.items():
            if name not in row.values or unmarked(definition.name, name):
                continue
            self.cells += 1
            plain = self._plain(definition, item, row)
            for age in (OLD, ""):
                self._note(definition, item, row, age, plain)

    def _note(
        self, definition: EntityDefinition, item: Any, row: Row, age: str, plain: bool
    ) -> None:
        if item.type_name in ("boolean", "choice", "reference", "owner", "serial") or item.target:
            return
        if item.name.endswith("_currency"):
            return
        place = (row.whose, row.number, age)
        found = marker(definition, item, place, self._variant(definition, item, row))
        if plain:
            self.shown |= set(found.tokens)
            return
        cell = f"{definition.name}.{item.name} of {row.whose} {row.number}"
        self.tokens |= dict.fromkeys(found.tokens, cell)

    def _share(self) -> None:
        """What was shared with the persona."""
        for entity, whose, number in sorted(self.persona.shared):
            row = self.of(entity, whose)[number]
            with policy.acting_as(policy.SYSTEM_VIEWER), change_set("form") as changes:
                changes.create(
                    registry.current().entity("RecordShare"),
                    {
                        "entity": entity,
                        "record": row.id,
                        "person": self.me,
                        "may_edit": False,
                        "until": now() + datetime.timedelta(days=30),
                    },
                )


def _stands(definition: EntityDefinition, item: Any) -> bool:
    """Whether a field says where a record stands: not each state may follow each."""
    return bool(
        getattr(item, "moves", ()) or {(definition.name, item.name), (definition.name, "*")} & STAYS
    )


def _option(item: Any, before: dict[str, Any], seed: int) -> str | None:
    options = sorted(item.options.by_value.values(), key=lambda option: str(option.value))
    if item.begins is not None:
        options = [option for option in options if option.value in item.begins]
    if item.parent is not None:
        options = [option for option in options if option.parent == before.get(item.parent)]
    return str(options[seed % len(options)].value) if options else None


def _person(name: str) -> int:
    manager: Any = current_app.appbuilder.sm  # type: ignore[attr-defined]
    if manager.find_user(name) is None:
        role = manager.find_role("Guest")
        manager.add_user(name, "某", name, f"{name}@example.org", role, factories.PASSWORD)
    return factories.user_id(name)


def _roles(manager: Any, persona: Persona) -> list[Any]:
    """The persona's roles, those that are not built in made of their data."""
    if persona.built_in:
        return [manager.find_role(name) for name in persona.built_in]
    made = []
    for number, role in enumerate(persona.roles):
        found = manager.add_role(f"Matrix {number}")
        policy.replace_role(db.session(), found.id, role)
        made.append(found)
    return made


def _custom_fields() -> None:
    """Fields made at run time, one of them personal."""
    definition = registry.current().entity("CustomField")
    with policy.acting_as(policy.SYSTEM_VIEWER), change_set("form") as changes:
        for entity, kinds in CUSTOM.items():
            for kind in kinds:
                changes.create(
                    definition,
                    {
                        "entity": entity,
                        "name": f"added_{kind}",
                        "kind": kind,
                        "label_zh": f"附加{kind}",
                        "label_en": f"Added {kind}",
                        "is_personal": kind == "phone",
                    },
                )
    registry.refresh()


def _number_from(session: Any, table: str) -> None:
    """The next row of the table has the number after NEXT."""
    statement = "UPDATE sqlite_sequence SET seq = :next WHERE name = :name"
    if session.get_bind().dialect.name == "postgresql":
        statement = "SELECT setval(pg_get_serial_sequence(:name, 'id'), :next)"
    session.execute(text(statement), {"next": NEXT, "name": table})


def _filed(seed: int) -> int:
    """A file that every field takes. What it is called is known to whoever brings it."""
    return factories.filed(f"%PDF-1.7 {word(seed)}".encode(), "planted.pdf")
