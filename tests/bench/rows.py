"""A million customers: realistic names of companies in China, quickly made, the same each time.

Texts, their order in pinyin and their search entries are worked out for some thousand companies;
each of these then stands for many branches, with codes, numbers, states and amounts of their own.
"""

from __future__ import annotations

import datetime
import decimal
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.changes.bulk import columns_of
from app.engine.registry import EntityDefinition
from app.engine.search.tokens import field_tokens
from seeds.demo import customers as demo
from seeds.demo.people import UNUSABLE
from tests.bench.bars import RARE_WORD

RARE = 7
"""Records with the rare word in their names."""

TEMPLATES = 5_000
FIRST_PERSON = 1_000
"""Accounts are numbered from here on: the sequences of both databases stay far below."""

SEED = 20261122
CODES = ("external_code", "credit_code", "phone")
"""Searched fields whose values differ from row to row."""

STATUSES = ("potential", "new", "active", "dormant", "lost")
TIERS = ("high", "middle", "potential")
TODAY = datetime.date(2026, 11, 20)
START = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)

Values = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """One company: its columns, and the search tokens of its texts."""

    columns: Values
    words: str


@dataclass(frozen=True)
class Row:
    """One record: the company it belongs to, and the columns of its own."""

    template: Template
    own: Values
    words: str


class Rows:
    """All rows of a size, one after the other."""

    def __init__(self, definition: EntityDefinition, people: Sequence[int], count: int) -> None:
        self.definition = definition
        self.people = people
        self.count = count
        dice = random.Random(SEED)
        made = [
            demo._customer(dice, number, people, TODAY) for number in range(min(TEMPLATES, count))
        ]
        self.templates = [self._template(values) for values in made]
        rare = {**made[0], "name": f"天津{RARE_WORD}精密仪器有限公司"}
        self.rare = self._template(rare)
        index = definition.search_index
        assert index is not None
        self.code_fields = [index.fields[name] for name in CODES]

    def __iter__(self) -> Iterator[Row]:
        dice = random.Random(SEED + 1)
        every = max(1, self.count // RARE)
        for number in range(1, self.count + 1):
            rare = number % every == every // 2
            template = (
                self.rare if rare else self.templates[int(dice.random() * len(self.templates))]
            )
            own = self._own(dice, number)
            yield Row(template, own, f"{template.words} {self._code_words(own)}")

    def _template(self, values: Values) -> Template:
        texts = {name: value for name, value in values.items() if name not in CODES}
        index = self.definition.search_index
        assert index is not None
        searched = {
            name: self.definition.fields[name].search_text(texts.get(name)) for name in index.fields
        }
        columns = columns_of(self.definition, texts)
        return Template(columns, " ".join(index.tokens(searched)))

    def _own(self, dice: random.Random, number: int) -> Values:
        chance = dice.random()
        moment = START + datetime.timedelta(seconds=number * 60)
        return {
            "id": number,
            "version": 1,
            "external_code": f"B{number:07d}",
            "credit_code": f"91990000B{number:08d}X",
            "phone": f"021-0{int(chance * 10_000_000):07d}",
            "status": STATUSES[int(dice.random() ** 1.5 * 5)],
            "value_tier": TIERS[int(dice.random() * 3)],
            "yearly_amount": decimal.Decimal(int(dice.random() ** 3 * 500_000_000)).scaleb(-2)
            if chance < 0.9
            else None,
            "yearly_amount_currency": "CNY",
            "customer_since": (moment.date() if chance < 0.7 else None),
            "account_manager_id": self.people[int(dice.random() * len(self.people))],
            "review_state": "draft" if chance > 0.93 else "approved",
            "created_at": moment,
            "updated_at": moment,
        }

    def _code_words(self, own: Values) -> str:
        found: set[str] = set()
        for field in self.code_fields:
            found |= field_tokens(field, own[field.name])
        return " ".join(found)


def people(count: int) -> list[Values]:
    """Accounts that customers belong to; nobody can sign in with them."""
    dice = random.Random(SEED + 2)
    moment = datetime.datetime(2024, 1, 1)
    return [
        {
            "id": FIRST_PERSON + number,
            "first_name": (name := demo._person(dice))[1:],
            "last_name": name[:1],
            "username": f"bench{number:05d}",
            "email": f"bench{number:05d}@steward.example",
            "password": UNUSABLE,
            "active": True,
            "created_on": moment,
            "changed_on": moment,
        }
        for number in range(1, count + 1)
    ]
