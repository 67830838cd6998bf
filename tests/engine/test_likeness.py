"""Likeness: under which forms a name or a number is looked for, and which values are as good as the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.fields import Phone, Text
from app.engine.fields.text import SORT_LENGTH
from app.engine.likeness import likeness_of
from app.engine.search import pinyin_key

NAME, PHONE = Text("Name", pinyin=True), Phone("Phone")
for name, field in (("name", NAME), ("phone", PHONE)):
    field.name = name
NAMES, NUMBERS = (likeness_of(field)(field) for field in (NAME, PHONE))  # type: ignore[misc]

names = st.text("润科深圳贸易有限公司集团股份长重 abCo.", min_size=1, max_size=40)


@given(name=names)
def test_whatever_resembles_a_name_sorts_as_its_stem_does(name: str) -> None:
    key = NAMES.key_of(name)
    stem, forms = NAMES.stem(key), NAMES.forms(key)
    if stem:
        assert all(f"{form} ".startswith(f"{stem} ") or form == stem for form in forms)
        assert pinyin_key(name)[:SORT_LENGTH].startswith(stem)
    else:
        assert key.count(" ") < 7  # so short that too many other names may begin so


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("华阳深圳贸易有限公司", "华阳（深圳）贸易股份有限公司"),
        ("华阳集团有限公司", "华阳"),
        ("ABC Trading Co Ltd", "abc trading"),
    ],
)
def test_the_form_of_a_company_makes_no_other_name(one: str, other: str) -> None:
    assert NAMES.key_of(one) == NAMES.key_of(other)


@pytest.mark.parametrize(
    "typed",
    ["0755-88880000", "075588880000", "0755 88880000", "+86-75588880000", "+8675588880000"],
)
def test_a_number_is_looked_for_in_every_form_in_which_it_is_written(typed: str) -> None:
    assert typed in NUMBERS.forms(NUMBERS.key_of("+86 755 8888 0000"))
