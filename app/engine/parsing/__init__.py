"""Values as people type them and spreadsheets hold them, turned into Python values.

Every `parse_*` takes a cell (text, or a native value from a workbook), answers None for an
empty one (`parse_money` a pair of them), and raises `ValueProblem` with a message for the person
who wrote it. What can be read in two ways is refused, never guessed.
"""

from app.engine.parsing.booleans import parse_boolean
from app.engine.parsing.dates import parse_date, parse_datetime
from app.engine.parsing.numbers import parse_decimal, parse_integer, parse_money
from app.engine.parsing.text import cell_text, clean, fold, header_key, is_empty, shown

__all__ = [
    "cell_text",
    "clean",
    "fold",
    "header_key",
    "is_empty",
    "parse_boolean",
    "parse_date",
    "parse_datetime",
    "parse_decimal",
    "parse_integer",
    "parse_money",
    "shown",
]
