"""The keys that every page knows, in one table: the pages' script obeys it, the help shows it.

`keys` are pressed one after the other where a blank stands between them. `does` says what happens:
`go` leads to an address, `click` presses the first of the page's elements that the selectors in
`target` find, `row` moves among a table's rows, `tick` ticks the row, `search`, `help` and `save`
are what they are called. Only keys with Control act while somebody types in a field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _


@dataclass(frozen=True)
class Key:
    """A key, or several one after the other."""

    keys: str
    label: Any
    does: str
    target: str = ""


EVERYWHERE = (
    Key("Control+k", _("Find records, pages and actions"), "search"),
    Key("/", _("The same"), "search"),
    Key("?", _("Show this list"), "help"),
    Key("g h", _("Go home"), "go", "/"),
    Key("g s", _("Go to the search"), "go", "/search"),
    Key("g p", _("Go to your profile"), "go", "/users/userinfo/"),
    Key("g c", _("Go to the change sets"), "go", "/changes/"),
    Key("n", _("Add something"), "click", "[data-key=new]|#quick-new"),
    Key("b", _("Fold or unfold the navigation"), "click", "[data-sidebar-toggle]"),
)
LISTS = (
    Key("j", _("Next row"), "row", "1"),
    Key("k", _("Previous row"), "row", "-1"),
    Key("Enter", _("Open the row"), ""),
    Key("x", _("Tick the row"), "tick"),
    Key("f", _("Filter"), "click", "#filter-open"),
    Key("v", _("Views"), "click", "#views-open"),
    Key("[", _("Previous page"), "click", "#page-previous[href]"),
    Key("]", _("Next page"), "click", "#page-next[href]"),
)
RECORDS = (
    Key("e", _("Edit"), "click", "[data-key=edit]"),
    Key("Control+s", _("Save the form"), "save"),
    Key("Escape", _("Close what is open"), ""),
)
GROUPS = (
    (_("On every page"), EVERYWHERE),
    (_("In lists"), LISTS),
    (_("On records and forms"), RECORDS),
)


def table() -> list[list[str]]:
    """What the script needs: keys, what they do, and to what."""
    return [[key.keys, key.does, key.target] for _title, keys in GROUPS for key in keys if key.does]


def shown(keys: str) -> list[str]:
    """The caps of the keys, as they are printed on a keyboard."""
    caps = keys.replace("Control+", "Ctrl ").replace("Escape", "Esc").split(" ")
    return [cap.upper() if "Control+" in keys and len(cap) == 1 else cap for cap in caps]
