"""Numbers and money as people type them: ¥1,234.50, 12.5万, １２３, (1,234)."""

from __future__ import annotations

import re
from decimal import Decimal

from flask_babel import lazy_gettext as _

from app.engine.errors import ValueProblem
from app.engine.parsing.currencies import split_currency
from app.engine.parsing.text import fold, is_empty, number_text, shown

# Plain digits, or groups of three behind commas or blanks. `1,23` and `1 234,5` could mean two
# things, so they do not match and are refused.
_NUMBER = re.compile(
    r"(?P<whole>\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+)?"
    r"(?P<part>\.\d*)?(?P<power>[eE][+-]?\d{1,2})?",
    re.ASCII,
)
_UNITS = {
    "": 0,
    "百": 2,
    "千": 3,
    "万": 4,
    "萬": 4,
    "十万": 5,
    "百万": 6,
    "千万": 7,
    "亿": 8,
    "億": 8,
    "十亿": 9,
    "百亿": 10,
    "千亿": 11,
    "万亿": 12,
}
_UNIT = re.compile(r"[百千万萬十亿億]+$")
_MINUS = "-\u2212\u2013"
_MAX_DIGITS = 40
_LARGEST_INTEGER = 2**63 - 1


def parse_decimal(cell: object) -> Decimal | None:
    """A number of any size up to 40 digits; None for an empty cell."""
    if is_empty(cell):
        return None
    native = _native(cell)
    return native if native is not None else _number(_folded(cell), cell)


def parse_integer(cell: object) -> int | None:
    """A whole number that fits 64 bits; `12.0` and `1.2万` are whole, `1.5` is refused."""
    if is_empty(cell):
        return None
    if isinstance(cell, str) and cell.isascii() and cell.isdigit() and len(cell) < 19:
        return int(cell)
    number = parse_decimal(cell)
    if number is None or number != number.to_integral_value():
        raise ValueProblem(_("“%(value)s” is not a whole number.", value=shown(cell)))
    if number.copy_abs() > _LARGEST_INTEGER:
        raise ValueProblem(_("“%(value)s” is too large.", value=shown(cell)))
    return int(number)


def parse_money(cell: object) -> tuple[Decimal | None, str | None]:
    """An amount and its currency as an ISO code; each is None where it is not written."""
    if is_empty(cell):
        return None, None
    native = _native(cell)
    if native is not None:
        return native, None
    text = _folded(cell)
    negative = len(text) > 2 and text[0] == "(" and text[-1] == ")"
    rest, currency = split_currency(text[1:-1] if negative else text)
    amount = _number(rest, cell)
    if negative and amount < 0:
        raise _not_a_number(cell)
    return (amount.copy_negate() if negative else amount), currency


def _native(cell: object) -> Decimal | None:
    """The number a workbook cell holds; None where the cell is text."""
    if isinstance(cell, bool):
        raise _not_a_number(cell)
    if isinstance(cell, Decimal):
        if not cell.is_finite():
            raise _not_a_number(cell)
        return cell
    if isinstance(cell, int):
        return Decimal(cell)
    if isinstance(cell, float):
        if cell != cell or cell in (float("inf"), float("-inf")):
            raise _not_a_number(cell)
        return Decimal(number_text(cell))
    return None


def _folded(cell: object) -> str:
    if not isinstance(cell, str):
        raise _not_a_number(cell)
    return fold(cell)


def _number(text: str, cell: object) -> Decimal:
    """The number written in folded text; `cell` is what the message shows."""
    negative = False
    if len(text) > 2 and text[0] == "(" and text[-1] == ")":
        negative, text = True, text[1:-1].strip()
    elif text and text[0] in _MINUS + "+":
        negative, text = text[0] in _MINUS, text[1:].strip()
    unit = _UNIT.search(text)
    if unit and unit.group() not in _UNITS:
        raise _not_a_number(cell)
    number = _digits(text[: unit.start()].strip() if unit else text, cell)
    if unit:
        sign, digits, exponent = number.as_tuple()
        number = Decimal((sign, digits, int(exponent) + _UNITS[unit.group()]))
    if number.adjusted() > _MAX_DIGITS:
        raise ValueProblem(_("“%(value)s” is too large.", value=shown(cell)))
    number = _plain(number)
    return number.copy_negate() if negative else number


def _digits(text: str, cell: object) -> Decimal:
    """The number that digits, separators and a decimal point make, without sign and unit."""
    found = _NUMBER.fullmatch(text)
    if not found or not (found["whole"] or len(found["part"] or "") > 1):
        raise _not_a_number(cell)
    plain = text.replace(",", "").replace(" ", "")
    if len(plain) > _MAX_DIGITS:
        raise ValueProblem(_("“%(value)s” has too many digits.", value=shown(cell)))
    return Decimal(plain)


def _plain(number: Decimal) -> Decimal:
    """Without a positive exponent: 1.25E+5 becomes 125000, so that it is shown as typed."""
    return number if int(number.as_tuple().exponent) <= 0 else Decimal(format(number, "f"))


def _not_a_number(cell: object) -> ValueProblem:
    return ValueProblem(_("“%(value)s” is not a number.", value=shown(cell)))
