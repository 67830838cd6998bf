"""Values as people type them: read exactly, or refused with a reason."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine import parsing
from app.engine.errors import ValueProblem

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("１２３", "123"),
        ("(1,234)", "-1234"),
        ("12.5万", "125000"),
        ("3亿", "300000000"),
        ("0.1万亿", "100000000000"),
        ("1 234.50", "1234.50"),
        ("1,234,567.89", "1234567.89"),
        ("−5", "-5"),
        ("1.5E+05", "150000"),
        (".5", "0.5"),
        (7.0, "7"),
        (0.1 + 0.2, "0.3"),
        (12, "12"),
    ],
)
def test_decimal_reads_what_people_type(typed: object, number: str) -> None:
    assert parsing.parse_decimal(typed) == Decimal(number)


@pytest.mark.parametrize(
    "typed",
    [
        "1,23",
        "1 234,5",
        "1.234,50",
        "12,3456",
        "abc",
        "-",
        "百",
        "1e99",
        "9" * 41,
        "5²",
        "٣",
        True,
        float("nan"),
        float("inf"),
        "12%",
        "--5",
        "1-2",
    ],
)
def test_decimal_refuses_what_can_mean_two_things(typed: object) -> None:
    with pytest.raises(ValueProblem):
        parsing.parse_decimal(typed)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15)))
def test_decimal_reads_back_what_was_written(number: Decimal) -> None:
    if number < Decimal(10) ** 30:
        assert parsing.parse_decimal(format(number, "f")) == number
        assert parsing.parse_decimal(format(number, ",f")) == number


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_integer_reads_back_what_was_written(number: int) -> None:
    assert parsing.parse_integer(str(number)) == number
    assert parsing.parse_integer(f"{number:,}") == number


@pytest.mark.parametrize("typed", ["12.5", "99999999999999999999", "1.23万千", True])
def test_integer_refuses(typed: object) -> None:
    with pytest.raises(ValueProblem):
        parsing.parse_integer(typed)


@pytest.mark.parametrize(
    ("typed", "amount", "currency"),
    [
        ("¥1,234.50", "1234.50", "CNY"),
        ("￥１,２３４", "1234", "CNY"),
        ("12.5万元", "125000", "CNY"),
        ("人民币1,000元整", "1000", "CNY"),
        ("US$1.5万", "15000", "USD"),
        ("50 usd", "50", "USD"),
        ("EUR 3", "3", "EUR"),
        ("-¥5", "-5", "CNY"),
        ("(¥5)", "-5", "CNY"),
        ("3亿", "300000000", None),
        (12.5, "12.5", None),
    ],
)
def test_money(typed: object, amount: str, currency: str | None) -> None:
    assert parsing.parse_money(typed) == (Decimal(amount), currency)


@pytest.mark.parametrize("typed", ["$5 CNY", "5 abc", "¥", "(-5)", "元"])
def test_money_refuses(typed: str) -> None:
    with pytest.raises(ValueProblem):
        parsing.parse_money(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "2026-03-05",
        "20260305",
        "2026/3/5",
        "2026年3月5日",
        "二〇二六年三月五日",
        "二零二六年三月五号",
        "2026.3.5",
        "２０２６年３月５号",
        "2026-03-05 00:00:00",
        20260305,
        20260305.0,
        datetime(2026, 3, 5),
        date(2026, 3, 5),
    ],
)
def test_date(typed: object) -> None:
    assert parsing.parse_date(typed) == date(2026, 3, 5)


@pytest.mark.parametrize(
    "typed",
    [
        "2026-02-30",
        "2026-13-01",
        "03/05/2026",
        "26-3-5",
        "2026/3-5",
        "2026-03-05 10:00",
        "明天",
        46086.0,
        datetime(2026, 3, 5, 10),
        True,
        "00000000",
    ],
)
def test_date_refuses(typed: object) -> None:
    with pytest.raises(ValueProblem):
        parsing.parse_date(typed)


@given(st.dates(min_value=date(1000, 1, 1)))
def test_date_reads_every_way_of_writing_a_day(day: date) -> None:
    for written in (
        day.isoformat(),
        day.strftime("%Y%m%d"),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
    ):
        assert parsing.parse_date(written) == day


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2026-03-05", datetime(2026, 3, 4, 16, tzinfo=UTC)),
        ("2026-03-05T10:00:00Z", datetime(2026, 3, 5, 10, tzinfo=UTC)),
        ("2026年3月5日下午3时20分", datetime(2026, 3, 5, 7, 20, tzinfo=UTC)),
        ("二〇二六年十二月三十一日下午3时20分", datetime(2026, 12, 31, 7, 20, tzinfo=UTC)),
        ("二○二六年十月二十一日 8:00", datetime(2026, 10, 21, 0, 0, tzinfo=UTC)),
        ("2023-06-01 7:29", datetime(2023, 5, 31, 23, 29, tzinfo=UTC)),
        ("2026/3/5 12:05 AM", datetime(2026, 3, 4, 16, 5, tzinfo=UTC)),
        ("2026-03-05 10:00:00.123456-01:30", datetime(2026, 3, 5, 11, 30, 0, 123456, UTC)),
        (datetime(2026, 3, 5, 8), datetime(2026, 3, 5, tzinfo=UTC)),
        (date(2026, 3, 5), datetime(2026, 3, 4, 16, tzinfo=UTC)),
    ],
)
def test_datetime(typed: object, moment: datetime) -> None:
    assert parsing.parse_datetime(typed, SHANGHAI) == moment


def test_a_moment_without_any_zone_stays_so() -> None:
    assert parsing.parse_datetime("2026-03-05 10:00") == datetime(2026, 3, 5, 10)
    assert parsing.parse_datetime("2026-03-05 10:00Z") == datetime(2026, 3, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["2026-3-5 25:00", "10:00", "0001-01-01", "2026-03-05 10:61", "2026-03-05 10:00+99:00"]
)
def test_datetime_refuses(typed: str) -> None:
    with pytest.raises(ValueProblem):
        parsing.parse_datetime(typed, SHANGHAI)


@given(st.datetimes(min_value=datetime(1000, 1, 3), timezones=st.just(UTC)))
def test_datetime_reads_back_what_was_written(moment: datetime) -> None:
    if moment < datetime(9999, 12, 30, tzinfo=UTC):
        local = moment.astimezone(ZoneInfo("Asia/Shanghai"))
        # A zone's offset before clocks were set by zones has seconds, which no file writes.
        if not local.utcoffset() % timedelta(minutes=1):  # type: ignore[operator]
            assert parsing.parse_datetime(local.isoformat(), UTC) == moment


@pytest.mark.parametrize("typed", ["是", "真", "YES", "Ｙ", "1", "TRUE", "√", True, 1.0])
def test_true(typed: object) -> None:
    assert parsing.parse_boolean(typed) is True


@pytest.mark.parametrize("typed", ["否", "假", "No", "0", "false", "×", False, 0])
def test_false(typed: object) -> None:
    assert parsing.parse_boolean(typed) is False


def test_boolean_refuses() -> None:
    with pytest.raises(ValueProblem, match="也许"):
        parsing.parse_boolean("也许")


@pytest.mark.parametrize("empty", [None, "", "  ", "\u3000", "\ufeff", "\t\n"])
def test_empty_cells_are_none(empty: object) -> None:
    assert parsing.is_empty(empty)
    assert parsing.parse_integer(empty) is None
    assert parsing.parse_decimal(empty) is None
    assert parsing.parse_money(empty) == (None, None)
    assert parsing.parse_date(empty) is None
    assert parsing.parse_datetime(empty, UTC) is None
    assert parsing.parse_boolean(empty) is None


def test_names_keep_their_characters() -> None:
    assert parsing.clean(" 万科Ａ\u3000") == "万科Ａ"
    assert parsing.fold("万科Ａ１（集团）") == "万科A1(集团)"
    assert parsing.clean("a\r\nb") == "a b"
    assert parsing.clean("a\r\nb\rc", lines=True) == "a\nb\nc"


@pytest.mark.parametrize("text", ["a\x00b", "a\x07b", "\x1b[0m", "a\ud800"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueProblem):
        parsing.clean(text)


@given(st.text(max_size=40))
def test_clean_changes_nothing_twice(text: str) -> None:
    try:
        once = parsing.clean(text)
    except ValueProblem:
        return
    assert parsing.clean(once) == once


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.booleans(), st.datetimes()))
def test_whatever_a_cell_holds_is_read_or_refused(cell: object) -> None:
    for parse in (
        parsing.parse_integer,
        parsing.parse_decimal,
        parsing.parse_money,
        parsing.parse_date,
        parsing.parse_boolean,
        lambda value: parsing.parse_datetime(value, SHANGHAI),
    ):
        with contextlib.suppress(ValueProblem):
            parse(cell)


@pytest.mark.parametrize(
    "header", ["Short Name", "short_name", "ＳＨＯＲＴ－ＮＡＭＥ", " short-name *", "ShortName："]
)
def test_headers_match(header: str) -> None:
    assert parsing.header_key(header) == "shortname"


def test_native_cells_as_text() -> None:
    assert parsing.cell_text(600000.0) == "600000"
    assert parsing.cell_text(0.1 + 0.2) == "0.3"
    assert parsing.cell_text(1e20) == "100000000000000000000"
    assert parsing.cell_text(date(2026, 3, 5)) == "2026-03-05"
    assert parsing.cell_text(datetime(2026, 3, 5, 10, 1)) == "2026-03-05 10:01:00"
