"""CSV that PostgreSQL writes by itself is, byte for byte, what is written without its help."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import pytest
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine import policy, registry
from app.engine.adapters.database import dialect_name
from app.engine.query import Records, Snapshot
from app.engine.surfaces import exports
from app.engine.surfaces.exports import parts
from tests import factories

WORDS = st.sampled_from(
    [
        "=1+1",
        "'=x",
        "''",
        "'",
        "+86 138 0013",
        "+1",
        "-1.5",
        "-1.5.",
        "@x",
        "\u3000=",
        "a,b",
        'a"b',
        "＝1",
    ]
) | st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=9)
LINES = (
    WORDS
    | st.builds("{}\n{}".format, WORDS, WORDS)
    | st.sampled_from(["\r", "\t=", "\n+1", "\\.", "\\N"])
)
MOMENTS = st.datetimes(
    datetime.datetime(1890, 1, 1), datetime.datetime(2100, 1, 1), timezones=st.just(datetime.UTC)
)
PARCELS = st.fixed_dictionaries(
    {
        "name": WORDS.filter(lambda text: text.strip()),
        "notes": st.none() | LINES,
        "pieces": st.none() | st.integers(-(2**53) + 1, 2**53 - 1),
        "weight": st.none() | st.decimals(-999999, 999999, places=3),
        "price": st.none() | st.decimals(-(10**12), 10**12, places=2),
        "arrived_on": st.none() | st.dates(datetime.date(1800, 1, 1), datetime.date(2200, 1, 1)),
        "opened_at": st.none() | MOMENTS | MOMENTS.map(lambda moment: moment.replace(microsecond=0)),
        "fragile": st.none() | st.booleans(),
        "colour": st.none() | st.sampled_from(["red", "blue"]),
        "tags": st.none() | st.lists(WORDS, max_size=3),
    }
)  # fmt: skip


@pytest.fixture(autouse=True)
def _only_there(app: Any) -> None:
    if dialect_name() != "postgresql":
        pytest.skip("SQLite writes no CSV by itself")


def both(folder: Path, names: list[str] | None = None) -> tuple[bytes, bytes]:
    """The file with the database's help, and without."""
    definition = registry.current().entity("Parcel")
    files = []
    for helped in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            asked = _watched(patch, helped)
            fields = exports.export_fields(definition, names)
            exports.write_export(Records(definition), fields, "csv", folder / "x")
            assert asked == [helped]
        files.append((folder / "x").read_bytes())
    return files[0], files[1]


def _watched(patch: pytest.MonkeyPatch, helped: bool) -> list[bool]:
    """Whether the database was asked to write; kept from it unless `helped`."""
    asked: list[bool] = []
    lines = Snapshot.lines

    def watched(self: Snapshot, records: Records, cells: Any) -> Any:
        found = lines(self, records, cells) if helped else None
        asked.append(found is not None)
        return found

    patch.setattr(Snapshot, "lines", watched)
    return asked


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parcels=st.lists(PARCELS, min_size=1, max_size=4), language=st.sampled_from(["zh", "en"]))
def test_it_is_the_same_file(
    as_admin: policy.Viewer, tmp_path: Path, parcels: list[dict[str, Any]], language: str
) -> None:
    for number, row in enumerate(parcels):
        keeper = factories.user_id("sales") if number % 2 else None
        factories.make("Parcel", keeper=keeper, **row)
    with force_locale(language):
        # What another table knows, a record's name or a file's hash, is written without its help.
        names = [
            field.name
            for field in exports.export_fields(registry.current().entity("Parcel"))
            if not field.custom
            and field.target in (None, policy.USERS)
            and field.type_name != "file"
        ]
        fast, plain = both(tmp_path, names)
    assert fast == plain


def test_choices_that_are_listed_no_more_and_names_that_look_like_formulas(
    as_admin: policy.Viewer, tmp_path: Path
) -> None:
    factories.make(
        "ChoiceOption", list_name="toy_grade", value="odd", label_zh="=级", label_en="-x"
    )
    factories.make("Parcel", grade="odd", price=decimal.Decimal("-0.05"))
    fast, plain = both(tmp_path, ["code", "grade", "price", "created_by", "created_at"])
    assert fast == plain
    assert "'=级".encode() in fast


@pytest.mark.parametrize("why", ["masked", "sorted", "one column", "a record's name"])
def test_what_it_cannot_write_is_written_without_it(
    as_admin: policy.Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    from app.engine.query import Sort

    shelf = factories.make("Shelf", name="甲架")
    factories.make("Parcel", shelf=shelf.id, phone="138 0013 8000")
    definition = registry.current().entity("Parcel")
    rights = policy.Rights(
        (policy.RoleRights({("*", "*"): "all"}, {("Parcel", "phone"): "masked"}),)
    )
    viewer = policy.Viewer(1, "x", rights) if why == "masked" else as_admin
    names = {"one column": ["code"], "a record's name": ["code", "shelf"]}.get(
        why, ["code", "phone"]
    )
    asked: list[Any] = []
    lines = parts.Part.lines
    monkeypatch.setattr(parts.Part, "lines", lambda *a: asked.append(lines(*a)) or asked[-1])
    with policy.acting_as(viewer):
        records = Records(definition)
        if why == "sorted":
            records.sort(Sort("pieces"))
        exports.write_export(
            records, exports.export_fields(definition, names), "csv", tmp_path / "x"
        )
    assert asked == [None]
    assert (b"0013" in (tmp_path / "x").read_bytes()) == (why == "sorted")


def test_it_writes_only_what_the_viewer_may_see(app: Any, tmp_path: Path) -> None:
    with policy.acting_as(factories.viewer("admin")):
        mine, other = (
            factories.make("Shelf", keeper=factories.user_id(n)) for n in ("sales", "sales2")
        )
        for shelf in (mine, other):
            factories.make("Parcel", shelf=shelf.id, name=f"of {shelf.id}")
    grants = {("Shelf", "*"): "own", ("Parcel", "*"): "own"}
    rights = policy.Rights((policy.RoleRights(grants, {}),))
    with policy.acting_as(policy.Viewer(factories.user_id("sales"), "x", rights)):
        fast, plain = both(tmp_path, ["code", "name"])
    assert fast == plain
    assert f"of {mine.id}".encode() in fast
    assert f"of {other.id}".encode() not in fast


@settings(max_examples=200, deadline=None)
@given(value=st.decimals(-(10**18), 10**18, places=2))
def test_a_number_goes_into_a_workbook_as_any_other_does(value: decimal.Decimal) -> None:
    from app.engine.surfaces.exports.cells import _number
    from app.engine.tables import sheet_column

    assert _number(str(value)) == sheet_column("decimal", [value])[0]
