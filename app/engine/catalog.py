"""What administrators add in the browser, as entities like any other: choices and fields."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.engine.areas import SETTINGS
from app.engine.choices import Choices, Option, OptionList, english_for
from app.engine.entity import DECLARED, Entity
from app.engine.errors import InvalidInput
from app.engine.events import on
from app.engine.fields import (
    FIELD_TYPES,
    SIMPLE_TYPES,
    Boolean,
    Choice,
    Field,
    Integer,
    LongText,
    Tags,
    Text,
    make_field,
)
from app.engine.labels import Bilingual
from app.engine.rules import Saving, rule


class ChoiceOption(
    Entity,
    area=SETTINGS.key,
    label=_("Choice list option"),
    plural=_("Choice lists"),
    icon="list-details",
    title="label_zh",
    order="list_name",
    unique_together=[("list_name", "value")],
    shapes_registry=True,
):
    """One choice of a list that is kept as data, such as an industry."""

    list_name = Text(_("List"), required=True, max_length=60, index=True, in_list=True)
    value = Text(
        _("Code"),
        required=True,
        max_length=60,
        search=True,
        in_list=True,
        hint=_("Stored in records; can't be changed once records use it."),
    )
    label_zh = Text(_("Chinese label"), required=True, max_length=100, search=True, pinyin=True)
    label_en = Text(_("English label"), max_length=100, search=True)
    parent = Text(
        _("Belongs to"),
        max_length=60,
        hint=_("Code of the choice that this one refines, as a city refines a province."),
    )
    synonyms = Tags(_("Other words"), hint=_("Imports take these words for this choice."))
    position = Integer(_("Position"), default=0)
    active = Boolean(_("In use"), default=True)

    @rule
    def english_is_known(saving: Saving) -> None:  # noqa: N805
        """A new choice with a usual English gets it, unless somebody gave another."""
        values = saving.values
        if saving.new and not values.get("label_en"):
            values["label_en"] = english_for(
                values.get("list_name") or "", values["label_zh"] or ""
            )

    @rule
    def value_stays(saving: Saving) -> None:  # noqa: N805
        if not saving.new and (saving.changed("value") or saving.changed("list_name")):
            saving.problem("value", _("The code of a choice can't be changed; make a new choice."))


@on("ChoiceOption", "trashed")
def keep_used(changes: Any, option: Any) -> None:
    """A choice that records hold can't be removed, only retired. Raises InvalidInput."""
    holders = _holders(changes, option.list_name, option.value)
    if holders:
        raise InvalidInput.of(
            None,
            _(
                "“%(choice)s” is in use (%(where)s) and can't be removed; clear “In use” instead, and "
                "it is not offered any more.",
                choice=Bilingual(option.label_zh, option.label_en or ""),
                where=", ".join(holders),
            ),
        )


def _holders(changes: Any, list_name: str, value: str) -> list[str]:
    """Which entities have records, in the trash or not, that hold the choice."""
    from app.engine.policy import unrestricted

    found, why = [], "a choice is in use whoever may see where"
    with unrestricted(why, changes.session.connection()) as session:
        for name, model in DECLARED.items():
            fields = [f for f in model.declared.values() if isinstance(f, Choice)]
            for field in fields:
                if field.list_name != list_name:
                    continue
                held: Any = field.expression(model) == value
                if session.scalar(select(model.id).where(held).limit(1)) is not None:
                    found.append(str(DECLARED[name].options.plural))
    return list(dict.fromkeys(found))


FieldKind: Any = Choices(
    "FieldKind", [(kind.upper(), (kind, FIELD_TYPES[kind].type_label)) for kind in SIMPLE_TYPES]
)
"""The types that an administrator can add."""


FORM_NAMES = frozenset({"approve_now", "asked", "csrf_token", "first", "then"})
"""What forms send beside the fields; a field of such a name would be taken for it."""


class CustomField(
    Entity,
    area=SETTINGS.key,
    label=_("Custom field"),
    plural=_("Custom fields"),
    icon="forms",
    title="label_zh",
    order="entity",
    unique_together=[("entity", "name")],
    shapes_registry=True,
):
    """A field that an administrator adds to an entity at run time."""

    entity = Text(
        _("Added to"),
        required=True,
        max_length=60,
        index=True,
        in_list=True,
        hint=_("Name of the entity, such as Customer."),
    )
    name = Text(
        _("Name"),
        required=True,
        max_length=40,
        in_list=True,
        hint=_("Lower-case letters, digits and underscores; used by API and imports."),
    )
    kind = Choice(_("Type"), FieldKind, required=True)
    label_zh = Text(_("Chinese label"), required=True, max_length=60)
    label_en = Text(_("English label"), required=True, max_length=60)
    hint_zh = Text(_("Chinese hint"), max_length=200)
    hint_en = Text(_("English hint"), max_length=200)
    choices = LongText(
        _("Choices"),
        max_length=5000,
        hint=_("For the type Choice: one per line, as 中文 / English."),
    )
    is_required = Boolean(_("Required"), default=False)
    in_search = Boolean(_("Found by search"), default=True)
    is_personal = Boolean(_("Personal data"), default=False)
    shown = Boolean(_("Shown in the list"), default=True)
    position = Integer(_("Position"), default=0)

    @rule
    def name_fits(saving: Saving) -> None:  # noqa: N805
        name, entity = saving.values.get("name") or "", saving.values.get("entity") or ""
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            saving.problem("name", _("Use lower-case letters, digits and underscores."))
        if entity not in DECLARED or DECLARED[entity].options.shapes_registry:
            saving.problem("entity", _("There is no entity of this name."))
        elif (
            name in FORM_NAMES
            or name in DECLARED[entity].declared
            or hasattr(DECLARED[entity], name)
        ):
            saving.problem("name", _("There is a field of this name already."))
        elif saving.new and not _searchable_apart(entity, name):
            saving.problem(
                "name",
                _("The search can't tell this name from another field's; choose another name."),
            )

    @rule
    def values_fit(saving: Saving) -> None:  # noqa: N805
        """Records keep what they held in a field that is gone: its type must be the same."""
        entity, name = saving.values.get("entity"), saving.values.get("name")
        if (
            saving.new
            and entity in DECLARED
            and name
            and _holds_others(entity, name, saving.values.get("kind"))
        ):
            saving.problem(
                "name",
                _(
                    "Records still hold values of a removed field of this name; "
                    "choose another name."
                ),
            )

    @rule
    def kind_stays(saving: Saving) -> None:  # noqa: N805
        for name in ("entity", "name", "kind"):
            if not saving.new and saving.changed(name):
                saving.problem(name, _("This can't be changed once the field exists."))

    @rule
    def choices_given(saving: Saving) -> None:  # noqa: N805
        if saving.values.get("kind") == "choice" and not parse_options(
            saving.values.get("choices")
        ):
            saving.problem("choices", _("Write at least one choice."))


def _searchable_apart(entity: str, name: str) -> bool:
    """Whether the name's code in the search index is no other field's."""
    from app.engine.registry import current, search_code

    fields = current().entity(entity).fields
    return search_code(name) not in {search_code(other) for other in fields if other != name}


def _holds_others(entity: str, name: str, kind: str | None) -> bool:
    """Whether records hold values under the name that were not of a field of this kind."""
    from app.engine.policy import unrestricted

    model: Any = DECLARED[entity]
    with unrestricted("values count whoever may see them, and in the trash") as session:
        held = select(model.id).where(model.custom[name].as_string().is_not(None)).limit(1)
        if session.scalar(held) is None:
            return False
        field: Any = CustomField
        removed = select(field.kind).where(field.entity == entity, field.name == name)
        kinds = set(session.scalars(removed))
    return kinds != {kind}


def parse_options(text: str | None) -> OptionList:
    """The choices of a custom field: a line each, `中文 / English`; the Chinese is the value."""
    options = []
    for line in (text or "").splitlines():
        zh, _slash, en = (part.strip() for part in line.partition("/"))
        if zh:
            options.append(Option(zh[:60], Bilingual(zh, en)))
    return OptionList(tuple(options))


def build_field(row: Any) -> Field:
    """The field that a CustomField row stands for. Raises KeyError for an unknown type."""
    common: dict[str, Any] = {
        "required": bool(row.is_required),
        "search": bool(row.in_search),
        "personal": bool(row.is_personal),
        "hint": Bilingual(row.hint_zh or "", row.hint_en or ""),
        "in_list": bool(row.shown),
    }
    field = make_field(row.kind, Bilingual(row.label_zh, row.label_en), **common)
    field.name = row.name
    field.custom = True
    field.index = False
    if isinstance(field, Choice):
        field.options = parse_options(row.choices)
    return field


def build_lists(rows: Any) -> dict[str, OptionList]:
    """The choice lists out of ChoiceOption rows, which come in the order of their list."""
    lists: dict[str, list[Option]] = {}
    for row in rows:
        option = Option(
            row.value,
            Bilingual(row.label_zh, row.label_en or ""),
            parent=row.parent,
            synonyms=tuple(row.synonyms or ()),
            active=row.active is not False,
        )
        lists.setdefault(row.list_name, []).append(option)
    return {name: OptionList(tuple(options)) for name, options in lists.items()}
