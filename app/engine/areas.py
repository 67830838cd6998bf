"""Areas: the parts of the business that entities belong to; the navigation is headed by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

_declared: dict[str, Area] = {}


@dataclass(frozen=True)
class Area:
    """Declares an area: `Area("customers", _("Customers"))`; entities name it by its key.

    The order of declaration is that of the navigation. Raises ValueError for a key taken.
    """

    key: str
    label: Any

    def __post_init__(self) -> None:
        if self.key in _declared:
            raise ValueError(f"there is an area “{self.key}” already")
        _declared[self.key] = self


def area(key: str) -> Area:
    """The area of this key. Raises LookupError for one that nobody has declared."""
    if key not in _declared:
        raise LookupError(f"no area “{key}” is declared; there are {', '.join(_declared)}")
    return _declared[key]


SETTINGS = Area("settings", _("Settings"))
"""What administrators shape; the last in the navigation, together with the system's own pages."""
