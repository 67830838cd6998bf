"""What can be a password: the one place for the rules, wherever one is set.

Strength is zxcvbn's estimate, made without asking anybody: it knows 30,000 passwords from break-ins,
names and words, keyboards, dates and repetitions, and is told what belongs to the person and the house.
"""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from flask import current_app
from flask_babel import lazy_gettext as _

SHORTEST = 10
LONGEST = 200
GOOD_ENOUGH = 3
"""Of zxcvbn's 0 to 4: more than 10⁸ guesses, each of which costs a hash."""

ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""For generated passwords: without signs that look like another."""

_LOOKED_AT = 72  # zxcvbn's cost grows with the square of the length; what is longer is no weaker
_OF_THE_HOUSE = ("steward", "kehuguanjia", "kehu", "guanjia", "khgj", "客户管家", "客户", "管家")
_ENDINGS = (
    "@123",
    "@1234",
    "@123456",
    "#123",
    "!@#",
    "a123456",
    "qq123456",
    "woaini",
    "1314",
    "520",
)
"""What is put behind a word to please a rule: as good as nothing."""

_OF_ADDRESSES = ("http", "https", "www", "com")

_REASONS = {
    "user_inputs": _(
        "It follows from the name, user name, e-mail address or company. Leave those out, or make it longer."
    ),
    "passwords": _(
        "It is on lists of known passwords, or close to one of them. Those are tried first: choose another."
    ),
    "spatial": _(
        "Neighbouring keys are tried early. Make it longer, say by two words that do not belong together."
    ),
    "sequence": _(
        "Sequences such as abc or 123 are tried early. Make it longer, say by two words that do not belong together."
    ),
    "repeat": _(
        "Repetitions are tried early. Make it longer, say by two words that do not belong together."
    ),
    "date": _(
        "Dates and years are tried early. Make it longer, say by two words that do not belong together."
    ),
}
_TOO_EASY = _("It is too easy to guess. Make it longer: four words that do not belong together do.")


class Owner(Protocol):
    """Whose password it is to be."""

    username: Any
    first_name: Any
    last_name: Any
    email: Any


def generate() -> str:
    """Sixteen signs in groups of four, for reading out or copying: 93 bits."""
    signs = [secrets.choice(ALPHABET) for _position in range(16)]
    return "-".join("".join(signs[start : start + 4]) for start in range(0, 16, 4))


def problem(password: str, owner: Owner | None = None) -> Any | None:
    """Why this can't be a password, of this person if they are known, or None."""
    if len(password) < SHORTEST:
        return _("A password has at least %(number)s characters.", number=SHORTEST)
    if len(password) > LONGEST:
        return _("A password has at most %(number)s characters.", number=LONGEST)
    if "\0" in password or not password.strip():
        return _("A password can't be made of blanks.")
    from zxcvbn import zxcvbn  # here: its words cost every start of a command a tenth of a second

    judged = zxcvbn(password[:_LOOKED_AT], user_inputs=sorted(set(_words(owner))))
    return _reason(judged["sequence"]) if judged["score"] < GOOD_ENOUGH else None


def _reason(sequence: Sequence[Mapping[str, Any]]) -> Any:
    """What most of it consists of that is easy to guess."""
    sizes: dict[str, int] = {}
    for part in sequence:
        kind = part.get("dictionary_name") or part["pattern"]
        kind = "date" if part.get("regex_name") == "recent_year" else kind
        sizes[kind] = sizes.get(kind, 0) + len(part["token"])
    for kind in ("user_inputs", "passwords"):  # these say most, even as a smaller part
        if kind in sizes:
            return _REASONS[kind]
    return _REASONS.get(max(sizes, key=lambda kind: sizes[kind]), _TOO_EASY)


def _words(owner: Owner | None) -> Iterator[str]:
    """What somebody who knows the person or the house would try."""
    yield from _OF_THE_HOUSE
    yield from _ENDINGS
    year = datetime.datetime.now(datetime.UTC).year
    yield from (f"{sign}{number}" for sign in "@#!_-." for number in range(year - 2, year + 2))
    yield from _parts(current_app.config["STEWARD"].public_url or "")
    if owner is None:
        return
    yield from _parts(owner.username or "")
    yield from _parts(owner.email or "")
    last, first = (owner.last_name or "").strip(), (owner.first_name or "").strip()
    for name in (last, first, last + first, first + last):
        from pypinyin import lazy_pinyin  # here: its dictionary costs every start half a second

        syllables = lazy_pinyin(name)
        forms = (name, "".join(syllables), "".join(syllable[:1] for syllable in syllables))
        yield from (form.lower() for form in forms if len(form) > 1)


def _parts(address: str) -> Iterator[str]:
    """The words of an address or user name, finely and roughly taken apart, and the whole."""
    whole = address.lower()
    parts = {whole, *re.split(r"\W+|_", whole), *re.split(r"[@./:]+", whole)}
    yield from (part for part in parts if len(part) > 2 and part not in _OF_ADDRESSES)
