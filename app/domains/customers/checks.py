"""Checks of single values that only this area needs."""

from __future__ import annotations

import decimal
import unicodedata

from flask_babel import lazy_gettext as _
from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

from app.engine.errors import ValueProblem


def credit_code(value: str) -> str:
    """A unified social credit code (GB 32100-2015) in its plain form.

    Blanks, hyphens, small and full-width letters are put right. Raises ValueProblem for a code
    of the wrong length or alphabet, or whose check character does not fit.
    """
    try:
        return uscc.validate(unicodedata.normalize("NFKC", value))
    except InvalidLength:
        raise ValueProblem(_("A unified social credit code has 18 characters.")) from None
    except InvalidChecksum:
        raise ValueProblem(
            _("The check character at the end does not fit: please look for a typing error.")
        ) from None
    except ValidationError:
        raise ValueProblem(
            _(
                "A unified social credit code has 8 digits, then digits and capital letters "
                "except I, O, S, V and Z."
            )
        ) from None


def not_negative(value: decimal.Decimal) -> decimal.Decimal:
    """An amount of nothing or more. Raises ValueProblem."""
    if value < 0:
        raise ValueProblem(_("This can't be less than zero."))
    return value
