"""Customers and the people there, invented: companies, shops, offices, associations and persons."""

from __future__ import annotations

import datetime
import decimal
import itertools
import random
from collections.abc import Sequence

from pypinyin import lazy_pinyin
from stdnum.cn import uscc

from app.engine import registry
from app.engine.changes import create_prepared
from seeds import lists
from seeds.demo import words
from seeds.demo.base import SEED, Demo, Values

COUNT = 200
DRAFT_EVERY = 14
MARK = "DEMO-"
"""Begins the external codes of demo customers."""

_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_STATUSES = ("potential", "new", "active", "dormant", "lost")
_STATUS_WEIGHTS = (22, 14, 40, 14, 10)


def write(demo: Demo) -> None:
    """Customers, drafts among them, then their contacts; those of an earlier time that stayed are left."""
    made = customers(demo.people("Sales", "AccountManager"), demo.day, demo.count(COUNT))
    definition = registry.current().entity("Customer")
    there = {code for code in demo.held("Customer", "external_code") if code.startswith(MARK)}
    fresh = [v for v in made if v.get("external_code") not in there or "external_code" not in v]
    if there:
        fresh = [v for v in fresh if "external_code" in v]  # persons have no number to know them by
    ids = []
    places = enumerate(fresh)
    for draft, batch in itertools.groupby(places, lambda item: _is_draft(item[0])):
        prepared = [demo.changes.checker.new(definition, values) for _place, values in batch]
        ids += create_prepared(demo.changes, definition, prepared, approved=not draft)
    demo.keep("Customer", ids, fresh)
    rows = contacts(fresh, ids)
    demo.create("Contact", rows)


def _is_draft(place: int) -> bool:
    return place % DRAFT_EVERY == DRAFT_EVERY // 2


def customers(people: Sequence[int], day: datetime.date, count: int = COUNT) -> list[Values]:
    """The values of every demo customer, as of a day."""
    dice = random.Random(SEED)
    names: set[str] = set()
    made: list[Values] = []
    while len(made) < count:
        values = _customer(dice, len(made), people, day)
        if values["name"] not in names:
            names.add(values["name"])
            made.append(values)
    return made


def _customer(
    dice: random.Random, number: int, people: Sequence[int], day: datetime.date
) -> Values:
    kind = dice.choices(tuple(_MAKERS), _MAKER_WEIGHTS)[0]
    city, area_code = dice.choice(tuple(words.CITIES.items()))
    values = _MAKERS[kind](dice, _city_names()[city])
    values |= {
        "city": city,
        "address": _address(dice),
        "phone": f"{area_code}-0{dice.randrange(10**7):07d}",
        **_business(dice, people, day, "potential" if kind in ("person", "shop") else None),
    }
    if kind != "person":
        site = _site(values["short_name"])
        values |= {
            "credit_code": _credit_code(kind, number),
            "external_code": f"{MARK}{number + 1:04d}",
            "website": f"https://www.{site}.example",
            "email": f"office@{site}.example",
        }
    return values


def _company(dice: random.Random, city: str) -> Values:
    brand, (trade, industry, need) = dice.choice(words.BRANDS.split()), dice.choice(words.TRADES)
    form = dice.choice(("有限公司", "有限公司", "有限责任公司", "股份有限公司"))
    return {
        "name": f"{city}{brand}{trade}{form}",
        "short_name": f"{brand}{trade}",
        "customer_type": "enterprise",
        "industry": industry,
        "ownership": dice.choices(("private", "local", "central", "collective"), (80, 12, 5, 3))[0],
        "controller": _person(dice) if dice.random() < 0.5 else None,
        "notes": dice.choice(words.NOTES).format(need=need),
    }


def _foreign(dice: random.Random, city: str) -> Values:
    name, industry, need = dice.choice(words.FOREIGN_NAMES)
    return {
        "name": f"{name} ({_english(city)}) Co., Ltd.",
        "short_name": name,
        "customer_type": "enterprise",
        "industry": industry,
        "ownership": dice.choice(("foreign", "foreign", "hmt")),
        "notes": dice.choice(words.FOREIGN_NOTES).format(need=need),
    }


def _institution(dice: random.Random, city: str) -> Values:
    name, kind, industry = dice.choice(words.INSTITUTIONS)
    return {
        "name": f"{city}{name}",
        "short_name": name,
        "customer_type": kind,
        "industry": industry,
        "notes": "按年度预算采购，需提供正式发票和验收单。",
    }


def _shop(dice: random.Random, city: str) -> Values:
    owner, trade = dice.choice(words.BRANDS.split()), dice.choice(words.SHOPS)
    return {
        "name": f"{city}{owner}{trade}",
        "short_name": f"{owner}{trade}",
        "customer_type": "sole_trader",
        "industry": "H62" if trade == "面馆" else "O81" if trade == "维修部" else "F52",
        "ownership": "natural_person",
    }


def _individual(dice: random.Random, _city: str) -> Values:
    return {"name": _person(dice), "customer_type": "person"}


_MAKERS = {
    "company": _company,
    "foreign": _foreign,
    "institution": _institution,
    "shop": _shop,
    "person": _individual,
}
_MAKER_WEIGHTS = (74, 6, 9, 7, 4)


def _business(
    dice: random.Random, people: Sequence[int], day: datetime.date, most: str | None
) -> Values:
    """Life cycle, amount and the tier that follows from it, dates, owner, tags."""
    status = dice.choices(_STATUSES, _STATUS_WEIGHTS)[0]
    tier = dice.choices(("high", "middle", "potential"), (22, 38, 40))[0]
    tier = "potential" if status == "potential" else most or tier
    low, high = {"high": (50, 480), "middle": (10, 49), "potential": (0, 9)}[tier]
    amount = decimal.Decimal(dice.randint(low, high) * 10_000 + dice.randrange(0, 10_000, 200))
    age = {"new": (5, 80), "active": (120, 1400), "dormant": (200, 1600), "lost": (400, 2000)}
    since = status in age and day - datetime.timedelta(days=dice.randint(*age[status]))
    return {
        "status": status,
        "value_tier": tier,
        "grade": {"high": "gold", "middle": "silver", "potential": "normal"}[tier],
        "need_type": dice.choice(("product", "product", "service", "relation")),
        "yearly_amount": amount if since else None,
        "customer_since": since or None,
        "source": dice.choice(words.SOURCES),
        "preferred_channel": dice.choice(("phone", "wechat", "wecom", "email", "visit")),
        "account_manager": dice.choice((*people, *people, None)),
        "tags": sorted(dice.sample(words.TAGS.split(), dice.choice((0, 1, 1, 2, 3)))) or None,
    }


def contacts(made: Sequence[Values], ids: Sequence[int]) -> list[Values]:
    """One to three contacts for each customer; the first of them is the primary one."""
    dice = random.Random(SEED + 1)
    rows: list[Values] = []
    for values, customer_id in zip(made, ids, strict=True):
        person = values["customer_type"] == "person"
        for place in range(1 if person else dice.choice((1, 1, 2, 2, 3))):
            name = values["name"] if person else _person(dice)
            rows.append(_contact(dice, values, customer_id, name, place == 0))
    return rows


def _contact(
    dice: random.Random, customer: Values, customer_id: int, name: str, primary: bool
) -> Values:
    mail = customer.get("email", "@mail.example").partition("@")[2]
    born = datetime.date(1966, 1, 1) + datetime.timedelta(days=dice.randrange(12_000))
    return {
        "customer": customer_id,
        "name": name,
        "job_title": dice.choice(words.TITLES.split())
        if customer["customer_type"] != "person"
        else None,
        "is_primary": primary,
        "phone": f"154{dice.randrange(10**8):08d}",
        "email": f"{''.join(lazy_pinyin(name))}@{mail}" if dice.random() < 0.8 else None,
        "wechat": f"demo_{dice.randrange(10**6):06d}" if dice.random() < 0.4 else None,
        "birthday": born if dice.random() < 0.7 else None,
        "preferred_channel": dice.choice(("phone", "wechat", "wecom", "email", None)),
        "preferred_time": dice.choice(("工作日上午", "工作日 14:00 以后", None, None)),
    }


def _person(dice: random.Random) -> str:
    return dice.choice(words.SURNAMES) + dice.choice(words.GIVEN_NAMES.split())


def _address(dice: random.Random) -> str:
    building = dice.choice(words.BUILDINGS)
    room = f" {dice.randint(2, 28)}{dice.randint(1, 12):02d} 室" if building else ""
    return f"{dice.choice(words.ROADS.split())} {dice.randint(1, 999)} 号{building}{room}"


def _site(short_name: str) -> str:
    """A short web name: the brand in pinyin and the initials of the rest; English names joined."""
    if short_name.isascii():
        return "".join(filter(str.isalnum, short_name)).lower()
    syllables = lazy_pinyin(short_name)
    return "".join(syllables[:2]) + "-" + "".join(word[0] for word in syllables[2:])


def _credit_code(kind: str, number: int) -> str:
    """Right in its form and both check characters, and of a region that does not exist."""
    authority = {"institution": "12", "shop": "92"}.get(kind, "91")
    organisation = f"DEM0{number + 1:04d}"
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = sum(
        digits.index(character) * weight
        for character, weight in zip(organisation, _ORGANISATION_WEIGHTS, strict=True)
    )
    check = "0123456789X0"[11 - total % 11]
    body = f"{authority}990000{organisation}{check}"
    return body + str(uscc.calc_check_digit(body))


def _city_names() -> dict[str, str]:
    return {row["code"]: row["zh"] for row in lists.table("cities.csv")}


def _english(city: str) -> str:
    names = {row["zh"]: row["en"] for row in lists.table("cities.csv")}
    return names[city].partition(" (")[0]
