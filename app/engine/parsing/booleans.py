"""Yes and no, as written in Chinese and English lists."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.engine.errors import ValueProblem
from app.engine.parsing.text import cell_text, fold, is_empty, shown

_TRUE = frozenset(["1", "true", "t", "yes", "y", "on", "是", "真", "对", "有", "√", "✓", "✔", "☑"])
_FALSE = frozenset(
    ["0", "false", "f", "no", "n", "off", "否", "假", "错", "无", "×", "✗", "✘", "x", "☐"]
)


def parse_boolean(cell: object) -> bool | None:
    """是 / 否, yes / no, true / false, 1 / 0, √ / ×; None for an empty cell."""
    if is_empty(cell):
        return None
    if isinstance(cell, bool):
        return cell
    word = fold(cell_text(cell)).casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueProblem(_("“%(value)s” is neither yes nor no.", value=shown(cell)))
