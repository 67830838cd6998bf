"""The search index on the database: found and not found, in the caller's transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    create_engine,
    func,
    insert,
    select,
)

from app.engine.search import COUNTED, Search, SearchField, SearchIndex, WeighedSearch
from app.engine.search.statements import WIDESPREAD, PostgresqlSearch
from tests.database import PostgresqlDatabase

FIELDS = [
    SearchField("name", "n"),
    SearchField("alias", "a"),
    SearchField("phone", "p", "code"),
    SearchField("notes", "o", "long_text"),
]
NAMES = [field.name for field in FIELDS]
INDEX = SearchIndex("search_thing", FIELDS)
THINGS = Table(
    "search_test_thing",
    MetaData(),
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("amount", Integer, index=True),
)
COMPANIES = {
    1: {
        "name": "润科科技有限公司",
        "phone": "138-1234-5678",
        "notes": "去年的大客户 prefers email",
    },
    2: {"name": "重庆银行", "phone": "13912345679"},
    3: {"name": "万科Ａ", "phone": "0755-8888 1234"},
    4: {"name": "长安汽车", "alias": "Changan Motors"},
    5: {"name": "Schäfer Werkzeugmaschinen GmbH", "phone": "+49 711 5550199"},
    6: {"name": "西安旅游", "notes": "重庆来的"},
    7: {"name": "單氏實業", "alias": "单家"},
}


@pytest.fixture
def engine(database: Any, tmp_path: Path) -> Iterator[Engine]:
    if isinstance(database, PostgresqlDatabase):
        engine = create_engine(database.url)
    else:
        engine = create_engine(f"sqlite:///{tmp_path / 'search.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A transaction with an empty index and table in it, of which nothing stays."""
    with engine.connect() as connection:
        INDEX.create(connection)
        THINGS.create(connection)
        yield connection
        connection.rollback()


def put(connection: Connection, rows: Mapping[int, Mapping[str, str | None]]) -> None:
    things = [{"id": number, "amount": number * 7919 % 101} for number in rows]
    connection.execute(insert(THINGS), things)
    INDEX.write(connection, rows.items())


def found(connection: Connection, query: str, fields: list[str] = NAMES) -> list[int]:
    condition = INDEX.condition(query, fields, THINGS.c.id)
    assert condition is not None
    return list(connection.scalars(select(THINGS.c.id).where(condition).order_by(THINGS.c.id)))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("科技", [1]),
        ("润科科技", [1]),
        ("科", [1, 3]),
        ("runke", [1]),
        ("keji", [1]),
        ("kej", [1]),
        ("kejiyouxiangongsi", [1]),
        ("rk", [1]),
        ("rkkj", [1]),
        ("RUNKE", [1]),
        ("润ke", [1]),
        ("润科 138", [1]),
        ("润科 139", []),
        ("大客户", [1]),
        ("prefer", [1]),
        ("dakehu", []),  # long texts are not spelled out
        ("重庆", [2, 6]),
        ("chongqing", [2]),
        ("cq", [2]),
        ("zhongqing", []),
        ("万科A", [3]),
        ("万科ａ", [3]),
        ("wka", [3]),
        ("changan", [4]),
        ("zhangan", []),
        ("chang'an", [4]),
        ("moto", [4]),
        ("schafer", [5]),
        ("Schäfer", [5]),
        ("werkzeugmasch", [5]),
        ("werkzeugx", []),
        ("xian", [1, 6]),  # 有限 as well as 西安
        ("xianlv", [6]),
        ("lvyou", [6]),
        ("lüyou", [6]),
        ("單氏", [7]),
        ("单氏", []),
        ("shan", [7]),
        ("5678", [1]),
        ("678", [1]),
        ("1381234", [1]),
        ("138-1234", [1]),
        ("138 1234 5678", [1]),
        ("1234 5678", [1]),
        ("12345", [1, 2]),
        ("88881234", [3]),
        ("711", [5]),
        ("\u200e科\u200d技\x00", [1]),
        ("科技 😀", [1]),
    ],
)
def test_finds(connection: Connection, query: str, ids: list[int]) -> None:
    put(connection, COMPANIES)
    assert found(connection, query) == ids


@pytest.mark.parametrize("query", ["", "   ", "!?。、", "😀", "\x00", "\ud800", "-_*\"'", "\u202e"])
def test_nothing_to_search_for_is_no_filter(query: str) -> None:
    assert INDEX.condition(query, NAMES, THINGS.c.id) is None


def test_only_allowed_fields_are_searched(connection: Connection) -> None:
    put(connection, COMPANIES)
    assert found(connection, "重庆", ["name", "phone"]) == [2]
    assert found(connection, "重庆", ["notes"]) == [6]
    assert found(connection, "138 1234 5678", ["name", "notes"]) == []
    assert found(connection, "科技", []) == []
    assert found(connection, "科技", ["unknown"]) == []


def test_writing_replaces_and_removing_leaves_nothing(connection: Connection) -> None:
    put(connection, COMPANIES)
    INDEX.write(connection, [(1, {"name": "新名字"}), (2, COMPANIES[2])])
    assert found(connection, "科技") == []
    assert found(connection, "5678") == []
    assert found(connection, "新名") == [1]
    assert found(connection, "重庆") == [2, 6]
    INDEX.write(connection, [(1, {"name": None})])
    assert found(connection, "新名") == []
    INDEX.remove(connection, [*COMPANIES, 999])
    INDEX.remove(connection, [])
    INDEX.write(connection, [])
    assert connection.scalar(select(func.count()).select_from(INDEX.table)) == 0
    for values in COMPANIES.values():
        assert found(connection, values["name"]) == []
    if connection.dialect.name == "sqlite":  # raises if the index and its entries disagree
        connection.exec_driver_sql(
            "INSERT INTO search_thing (search_thing) VALUES ('integrity-check')"
        )


def test_takes_part_in_the_callers_transaction(connection: Connection) -> None:
    put(connection, COMPANIES)
    inner = connection.begin_nested()
    INDEX.write(connection, [(1, {"name": "改名"})])
    INDEX.remove(connection, [2])
    assert found(connection, "改名") == [1]
    inner.rollback()
    assert found(connection, "改名") == []
    assert found(connection, "chongqing") == [2]
    connection.rollback()
    assert not INDEX.exists(connection)


def test_is_made_dropped_and_made_anew(connection: Connection) -> None:
    put(connection, COMPANIES)
    assert INDEX.exists(connection)
    INDEX.rebuild(connection, ((number, values) for number, values in COMPANIES.items()))
    assert found(connection, "科技") == [1]
    INDEX.write(connection, [(1, {"name": "改名"})])
    assert found(connection, "科技") == []
    INDEX.drop(connection)
    INDEX.drop(connection)
    assert not INDEX.exists(connection)


HOSTILE = {
    "long": "润科" * 5_000,
    "one word": "x" * 10_000,
    "many words": "ab cd ef gh " * 1_000,
    "expanding": "\ufdfa" * 10_000,
    "marks": "e" + "\u0301" * 10_000,
    "control": "a\x00b\x1f\x7fc",
    "surrogates": "科\ud800技\udfff",
    "emoji": "👩‍👩‍👧‍👦科技🏳️‍🌈",
    "no known reading": "𰻟00",
    "directions": "\u202e科技\u202c \u200fab",
    "quotes": "a'b\"c\\d%e:f*g&h|i!j(k)l{m}n^o~p#q=r",
    "polyphones": "长重行乐朝单" * 500,
    "digits": "1234567890" * 1_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_can_be_written_and_searched(connection: Connection, text: str) -> None:
    started = time.process_time()
    put(connection, {1: dict.fromkeys(NAMES, text)})
    assert len(INDEX.tokens(dict.fromkeys(NAMES, text))) < 15_000
    INDEX.condition(text, NAMES, THINGS.c.id)
    assert found(connection, f"nothing {text[:100]}") == []
    assert found(connection, text[:20]) == [1]
    assert time.process_time() - started < 2


def every_form(connection: Connection, search: Search) -> Iterator[list[int]]:
    """The ids in each form in which a search can be put into a statement."""
    things = select(THINGS.c.id)
    identifier = THINGS.c.id
    for common in (False, True):
        weighed: WeighedSearch = replace(search.weigh(connection), common=common)
        if common and isinstance(weighed, PostgresqlSearch):
            weighed = replace(weighed, estimate=WIDESPREAD)
        yield list(connection.scalars(weighed.ordered(things, identifier).limit(100)))[::-1]
        yield list(connection.scalars(weighed.ordered(things, identifier, descending=False)))
        later = weighed.ordered(things, identifier, descending=False, beyond=3)
        earlier = weighed.ordered(things, identifier, beyond=4)
        yield [*sorted(connection.scalars(earlier)), *connection.scalars(later)]
        narrowed = sorted(connection.scalars(weighed.narrow(things, identifier).limit(COUNTED)))
        yield narrowed
        for cap in (1, 3, COUNTED):
            assert connection.scalar(weighed.counted(cap)) == min(cap, len(narrowed))
        by_amount = things.where(weighed.condition(identifier)).order_by(THINGS.c.amount)
        yield sorted(connection.scalars(by_amount))


@pytest.mark.parametrize(
    "query", ["科", "科技", "k", "chongqing", "1234", "567", "werkzeugmas", "润 科"]
)
def test_every_form_of_a_search_finds_the_same(connection: Connection, query: str) -> None:
    put(connection, COMPANIES)
    search = INDEX.search(query, NAMES)
    assert search is not None
    for ids in every_form(connection, search):
        assert ids == found(connection, query)


def test_common_words_are_known_for_such(connection: Connection) -> None:
    put(connection, {n: {"name": "上海科技" if n % 2 else "深圳贸易"} for n in range(1, 24_001)})
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE search_thing")
    common, rare = INDEX.search("科技", NAMES), INDEX.search("科贸", NAMES)
    assert common is not None
    assert rare is not None
    weighed = common.weigh(connection)
    assert weighed.common
    assert not rare.weigh(connection).common
    newest = weighed.ordered(select(THINGS.c.id), THINGS.c.id).limit(3)
    assert list(connection.scalars(newest)) == [23_999, 23_997, 23_995]
    counted = weighed.narrow(select(THINGS.c.id), THINGS.c.id).limit(COUNTED).subquery()
    assert connection.scalar(select(func.count()).select_from(counted)) == COUNTED


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=5), query=st.text(max_size=12))
def test_any_query_on_any_texts_is_answered(
    connection: Connection, texts: list[str], query: str
) -> None:
    with connection.begin_nested() as inner:
        put(connection, {n: dict.fromkeys(NAMES, text) for n, text in enumerate(texts, 1)})
        search = INDEX.search(query, NAMES)
        if search is not None:
            forms = list(every_form(connection, search))
            assert all(ids == forms[0] for ids in forms)
        inner.rollback()
