"""Messages that are kept: stored as what they say, put into words when somebody reads them.

A job runs when nobody is looking and may be read in another language than it was asked for in.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, ngettext

from app.engine.errors import StewardError
from app.engine.labels import Bilingual

_PLAIN = (str, int, float, bool, type(None))


def freeze(message: Any) -> Any:
    """A lazy message, a bilingual label or plain text, as JSON that `thaw` understands.

    What is frozen already stays so.
    """
    if isinstance(message, list | Mapping):
        return message
    if isinstance(message, Bilingual):
        return {"zh": message.zh, "en": message.en}
    parts = getattr(message, "__dict__", {})
    if getattr(parts.get("_func"), "__name__", "") in ("gettext", "ngettext"):
        values = {name: freeze(value) for name, value in parts["_kwargs"].items()}
        return {"says": [freeze(part) for part in parts["_args"]], "values": values}
    if isinstance(message, _PLAIN):
        return message
    if isinstance(message, decimal.Decimal | datetime.date):
        return str(message)
    return str(message)


def freeze_error(error: StewardError) -> Any:
    """What an error says: each of its problems, or its message."""
    problems = getattr(error, "problems", ())
    if problems:
        return [freeze(problem.message) for problem in problems]
    return freeze(error.message)


def thaw(frozen: Any) -> str:
    """The message in the reader's language."""
    if isinstance(frozen, list):
        return " ".join(thaw(part) for part in frozen)
    if not isinstance(frozen, Mapping):
        return "" if frozen is None else str(frozen)
    if "says" not in frozen:
        return str(Bilingual(str(frozen.get("zh", "")), str(frozen.get("en", ""))))
    values = {
        name: thaw(value) if isinstance(value, Mapping) else value
        for name, value in frozen["values"].items()
    }
    says = frozen["says"]
    if len(says) == 3:
        return str(ngettext(*says, **values))
    return str(gettext(says[0], **values))
