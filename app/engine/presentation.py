"""How records are shown: which columns, which groups of fields, what a cell holds.

What depends on neither the record nor the request is worked out once for each registry, set of
roles and language, and kept: a list page does not pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app
from flask_babel import gettext
from markupsafe import Markup, escape

from app.engine import policy, registry
from app.engine.entity import ARCHIVED
from app.engine.fields import Field, File
from app.engine.labels import language
from app.engine.query import Condition, Records
from app.engine.registry import EntityDefinition
from app.engine.remarks import Counted

MOST_COLUMNS = 7
"""Columns beside the title when a declaration does not say which to show."""

MOST_UNGROUPED = 8
"""More fields than this without a group are shown in two."""

LONG = 24
"""Texts longer than this may be cut in a list: their whole is shown on hover."""

Kept = TypeVar("Kept")
Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a list, ready to be drawn."""

    field: Field
    name: str
    label: str
    kind: str
    sortable: bool
    downward: bool
    main: bool


@dataclass(frozen=True)
class Group:
    """Fields shown together under a title."""

    title: str
    fields: tuple[Field, ...]


def kept(key: Hashable, make: Callable[[], Kept], viewer: policy.Viewer | None = None) -> Kept:
    """What `make` gives, remembered while registry, rights and language stay the same.

    With a viewer it is remembered for everybody of the same roles.
    """
    extensions = current_app.extensions
    rights = extensions.get("steward.rights")
    now = (registry.current(), rights)
    store = extensions.get("steward.kept")
    if store is None or store[0] is not now[0] or store[1] is not now[1]:
        store = extensions["steward.kept"] = (*now, {})
    if viewer is not None and not _of_roles(viewer, rights):
        return make()
    full_key = (key, language(), viewer.role_ids if viewer is not None else None)
    memory: dict[Hashable, Any] = store[2]
    if full_key not in memory:
        memory[full_key] = make()
    found: Kept = memory[full_key]
    return found


def _of_roles(viewer: policy.Viewer, rights: Any) -> bool:
    """Whether the viewer's rights are just those of their roles as this process keeps them."""
    return rights is not None and rights[1].get(viewer.role_ids) is viewer.rights


# -- lists ---------------------------------------------------------------------------------


def columns(
    definition: EntityDefinition, viewer: policy.Viewer, names: Sequence[str] = ()
) -> tuple[Column, ...]:
    """The columns that a list of the entity shows to this viewer, the title first.

    `names`: those chosen beside the title; what the viewer may not know of is left out.
    """
    if not names:
        return kept(("columns", definition.key), lambda: _columns(definition, viewer), viewer)
    every = offered_columns(definition, viewer)
    wanted = dict.fromkeys((definition.title_field.name, *names))
    return tuple(every[name] for name in wanted if name in every)


def offered_columns(definition: EntityDefinition, viewer: policy.Viewer) -> dict[str, Column]:
    """Every column that the viewer may choose, by name, in the order of the declaration."""

    def make() -> dict[str, Column]:
        without = companions(definition) | {"id", "version", "review_state"}
        known = policy.known(definition, viewer)
        shown = [field for field in known if field.name not in without and not field.internal]
        return {one.name: one for one in _made(definition, viewer, shown)}

    return kept(("offered columns", definition.key), make, viewer)


def _columns(definition: EntityDefinition, viewer: policy.Viewer) -> tuple[Column, ...]:
    known = policy.known(definition, viewer)
    title = definition.title_field
    hidden = companions(definition) | {title.name, "review_state"}
    others = [field for field in known if field.name not in hidden]
    chosen = [field for field in others if field.in_list]
    if not any(not field.custom for field in chosen):
        fitting = [f for f in others if f.in_list is None and f.type_name != "long_text"]
        chosen = [*fitting[:MOST_COLUMNS], *chosen]
    first = [title] if title in known else []
    return _made(definition, viewer, (*first, *chosen))


def _made(
    definition: EntityDefinition, viewer: policy.Viewer, fields: Iterable[Field]
) -> tuple[Column, ...]:
    title = definition.title_field
    plain = {field.name for field in policy.plain(definition, viewer)}
    return tuple(
        Column(
            field=field,
            name=field.name,
            label=str(field.label),
            kind=_kind(field, field is title),
            sortable=field.name in plain and _sortable(field),
            downward=field.summable or field.widget in ("date", "datetime"),
            main=field is title,
        )
        for field in fields
    )


def _kind(field: Field, main: bool) -> str:
    if main:
        return "main"
    if field.align == "end":
        return "number"
    return "date" if field.widget in ("date", "datetime") else ""


def _sortable(field: Field) -> bool:
    """Tags and long texts have no order; a reference would be sorted by its id."""
    return field.sortable and field.type_name not in ("tags", "long_text") and field.target is None


def needed(definition: EntityDefinition, fields: Sequence[Field]) -> list[Field]:
    """The fields with those that they need to be shown, such as an amount's currency."""
    names = dict.fromkeys(field.name for field in fields)
    for field in fields:
        names |= dict.fromkeys(field.needs)
    return [definition.fields[name] for name in names if name in definition.fields]


def companions(definition: EntityDefinition) -> frozenset[str]:
    """Names of the fields that are shown together with another one."""
    return frozenset(name for field in definition.fields.values() for name in field.needs)


def cell_maker(definition: EntityDefinition, field: Field) -> Callable[[Row], Markup]:
    """A function from row to cell that draws each value of the page once."""
    drawn: dict[Hashable, Markup] = {}
    if field.type_name in ("choice", "boolean"):  # few values: drawn once for all pages
        drawn = kept(("cells", definition.key, field.name), dict)
    names = (*field.needs, *field.shown_with)
    several = field.type_name == "tags"
    cuttable = field.type_name in ("text", "long_text", "url", "email")

    def make(row: Row) -> Markup:
        value = row[field.name]
        if value is None or value == "":
            return BLANK
        if several:
            return escape(field.cell(value, row))
        key = (value, *(row.get(name) for name in names))
        if key not in drawn:
            shown = escape(field.cell(value, row))
            if cuttable and isinstance(value, str) and len(value) > LONG:
                shown = Markup('<span title="{}">{}</span>').format(value[:500], shown)
            drawn[key] = shown or BLANK
        return drawn[key]

    return make


EMPTY = Markup("")
BLANK = Markup('<span class="blank-value" aria-hidden="true">–</span>')


def title_of(definition: EntityDefinition, row: Row) -> str:
    """What a record is called; its number where the viewer may not know the name."""
    field = definition.title_field
    text = field.text(row[field.name], row) if row.get(field.name) is not None else ""
    return text or f"#{row['id']}"


def draft_mark() -> Markup:
    """What marks a record that counts in no figure yet."""
    return Markup('<span class="state state-warn draft-mark">{}</span>').format(gettext("Draft"))


def archived_mark() -> Markup:
    """What marks a record that was put aside."""
    return Markup('<span class="state draft-mark">{}</span>').format(gettext("Archived"))


def is_draft(definition: EntityDefinition, row: Row) -> bool:
    """Whether the record waits for approval."""
    return definition.review and row.get("review_state") == "draft"


def title_cell(
    definition: EntityDefinition, row: Row, mark: Markup, archived: Markup = EMPTY
) -> Markup:
    """The cell that leads to the record, with the marks of a draft and of one put aside."""
    text = escape(title_of(definition, row))
    draft = f" {mark}" if is_draft(definition, row) else ""
    draft += f" {archived}" if row.get(ARCHIVED) is not None else ""
    return Markup(  # noqa: S704  (drawn for every row: the parts are escaped already)
        f'<a href="/{definition.key}/{row["id"]}" title="{text}">{text}</a>{draft}'
    )


def table_cells(cells: Iterable[tuple[str, Markup]]) -> Markup:
    """The `<td>`s of a row out of kinds and cells, which are HTML already."""
    drawn = [
        f'<td class="{kind}">{cell}</td>' if kind else f"<td>{cell}</td>" for kind, cell in cells
    ]
    return Markup("".join(drawn))  # noqa: S704  (no template escapes these some 250 parts again)


def line_maker(definition: EntityDefinition, shown: Sequence[Column]) -> Callable[[Row], Markup]:
    """A function from row to the cells of its line; the title leads to the record."""
    mark, archived = draft_mark(), archived_mark()
    makers = [
        (column.kind, None if column.main else cell_maker(definition, column.field))
        for column in shown
    ]
    if not any(column.main for column in shown):
        makers.insert(0, ("main", None))

    def make(row: Row) -> Markup:
        return table_cells(
            (kind, title_cell(definition, row, mark, archived) if maker is None else maker(row))
            for kind, maker in makers
        )

    return make


# -- record pages and forms ----------------------------------------------------------------


def groups(definition: EntityDefinition, fields: Sequence[Field]) -> list[Group]:
    """Fields under the titles that the declaration gives them, in its order."""
    titled: dict[str, list[Field]] = {}
    added: list[Field] = []
    for field in fields:
        if field.custom:
            added.append(field)
        else:
            titled.setdefault(str(field.group_name), []).append(field)
    loose = titled.pop("", [])
    found = [Group(title, tuple(members)) for title, members in titled.items()]
    if loose:
        found = [*_loose_groups(loose), *found]
    if added:
        found.append(Group(gettext("Custom fields"), tuple(added)))
    return found


def _loose_groups(fields: list[Field]) -> list[Group]:
    """Fields without a group: in two when there are many, short ones and required ones first."""
    if len(fields) <= MOST_UNGROUPED:
        return [Group(gettext("Details"), tuple(fields))]
    later = [f for f in fields if f.type_name in ("long_text", "tags") and not f.required]
    first = [f for f in fields if f not in later]
    if not later:
        first, later = fields[:MOST_UNGROUPED], fields[MOST_UNGROUPED:]
    return [
        Group(gettext("Details"), tuple(first)),
        Group(gettext("Further details"), tuple(later)),
    ]


def may(definition: EntityDefinition, record_id: int, action: str, viewer: policy.Viewer) -> bool:
    """Whether the viewer may act so on this record, which they see."""
    if not viewer.can(definition.name, action):
        return False
    if policy.reaches_all_seen(definition, viewer, action):
        return True
    clause = policy.scope_clause(definition, viewer, action)
    if clause is None:
        return True
    records = Records(definition, viewer).with_ids([record_id])
    records.clauses.append(clause)
    return bool(records.ids(1))


def filing_field(child: EntityDefinition, reference: Field) -> File | None:
    """The field by which files alone make records of the entity that point by this reference.

    None where such a record needs more than that, or the viewer may not make it.
    """
    viewer = policy.current_viewer()
    if not viewer.can(child.name, "create"):
        return None
    writable = {field.name: field for field in policy.writable(child, viewer)}
    holding = [field for field in writable.values() if isinstance(field, File)]
    if reference.name not in writable or not holding:
        return None
    field = next((one for one in holding if one.required), holding[0])
    given = {reference.name, field.name, field.named}
    needed = [f for f in child.fields.values() if f.required and not f.read_only]
    asked = any(f.name not in given and f.default is None for f in needed)
    return None if asked else field


def remarks_of(
    definition: EntityDefinition, place: str, row: Row | None = None
) -> list[tuple[str, str]]:
    """What a page of the entity says above its records, as (kind, words)."""
    found = []
    if row is not None:  # what is masked is no value
        seen = {field.name for field in policy.plain(definition)}
        hidden = {name for name in definition.fields if name not in seen}
        row = {name: value for name, value in row.items() if name not in hidden}
    for remark in definition.model.remarks:
        if place not in remark.on:
            continue
        text = _counted(definition, remark) if isinstance(remark, Counted) else remark.text(row)
        if text is not None:
            found.append((remark.kind, str(text)))
    return found


def _counted(definition: EntityDefinition, remark: Counted) -> Any:
    known = {field.name for field in policy.known(definition)}
    if any(name not in known for name, _operator, _operand in remark.only):
        return None
    conditions = [Condition(*parts) for parts in remark.only]
    number, _exact = Records(definition).where(*conditions).count()
    return remark.text(number) if number else None
