"""Markers: a value for every cell that nothing else holds, and the forms in which it could get out."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import html
import json
import random
import re
import urllib.parse
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from babel.dates import format_date

from app.engine.errors import ValueProblem

LETTERS = "abcdefghijklmnopqrstuvwxyz"
RARE = "龘靐齉爩鱻麤龗灪籱厵飝驫馫淼焱垚犇骉羴猋"
"""Characters that no message holds; a name gets a few of them in an order of its own."""

SAID_ELSEWHERE = {
    ("RecordShare", "entity"): "names an entity",
    ("RecordShare", "record"): "a record's number",
    ("Interaction", "at"): "the last one stands on the record that it belongs to",
    ("Interaction", "next_step"): "becomes the subject of a task, for whom it names",
    ("ChoiceOption", "*"): "options are offered to everybody who fills in a form",
    ("CustomField", "*"): "labels of fields stand on every form",
    ("Ticket", "solved_at"): "comes by the move alone",
    ("TicketMessage", "sent_at"): "the first reply's stands on the ticket",
    ("Survey", "pause_days"): "a number of days, alike in both worlds",
    ("Survey", "open_days"): "a number of days, alike in both worlds",
    ("ServiceLevel", "response_minutes"): "times of day come of it",
    ("ServiceLevel", "solution_minutes"): "times of day come of it",
    ("PlanRule", "every_months"): "the days of to-dos come of it",
    ("PlanRule", "due_days"): "the days of to-dos come of it",
    **{
        ("EvaluationRule", name): "thresholds that the results tell"
        for name in (
            "high_from",
            "middle_from",
            "new_months",
            "active_months",
            "dormant_months",
            "high_score",
        )
    },
    ("DocumentClass", "code"): "begins the numbers of its documents",
    ("DocumentClass", "retention_years"): "a number of years, alike in both worlds",
    ("Document", "retention_years"): "a number of years, alike in both worlds",
    ("DocumentVersion", "number"): "counts the versions of a document",
    ("ArchivePackage", "least_age"): "a number of days, alike in both worlds",
    ("LegalHold", "release_reason"): "comes by the release alone",
    ("PoolRule", "*"): "a setting that everybody keeps to",
    ("SavedView", "entity"): "names an entity",
    ("SavedView", "address"): "asks for records; what it may tell is tried in test_saved_views.py",
    ("SavedView", "roles"): "numbers of roles",
    **{
        (entity, field): "names a record by its number"
        for entity in ("PoolMove", "LegalHold", "PersonalDataRequest")
        for field in ("entity", "record")
    },
}
"""Fields that carry no marker, and why."""


def unmarked(entity: str, field: str) -> bool:
    """Whether a field's values are no secret by what they are."""
    return bool({(entity, field), (entity, "*")} & SAID_ELSEWHERE.keys())


@dataclass(frozen=True)
class Marker:
    """One planted value: `kept` is what the field holds, `tokens` what betrays it."""

    kept: Any
    tokens: tuple[str, ...]


def number_of(*parts: Any) -> int:
    """A number that follows from these words, the same in every run."""
    words = "\x00".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(words).digest()[:8])


def marker(definition: Any, field: Any, place: tuple[Any, ...], variant: str = "") -> Marker:
    """A value that this field takes at this place. Raises ValueProblem where none is known.

    Variants of a value look alike once they are masked.
    """
    seed = number_of(definition.name, field.name, *place, variant)
    for make in (*_BY_FIELD.get(field.name, ()), *_BY_TYPE.get(field.type_name, ())):
        found = make(seed)
        if make is _phone:
            found = _phone(seed, number_of(definition.name, field.name, *place))
        try:
            kept = field.clean(found.kept)
        except ValueProblem:
            continue
        return Marker(kept, found.tokens)
    raise ValueProblem(f"{definition.name}.{field.name}: teach tests/matrix/markers.py a value")


def word(seed: int) -> str:
    """Letters that no language puts together."""
    dice = random.Random(seed)
    return "zq" + "".join(dice.choice(LETTERS) for _ in range(6)) + "qz"


def _text(seed: int) -> Marker:
    dice = random.Random(seed)
    chinese = "".join(dice.sample(RARE, 6))
    return Marker(f"{chinese}{word(seed)}", (word(seed), chinese))


def _plain_word(seed: int) -> Marker:
    return Marker(word(seed), (word(seed),))


def _digits(seed: int) -> str:
    return f"7{seed % 10**8:08}"


def _integer(seed: int) -> Marker:
    return Marker(int(_digits(seed)), (_digits(seed),))


def _stars(seed: int) -> Marker:
    """Nothing betrays so small a number by itself; what differs by it is told apart."""
    return Marker(1 + seed % 5, ())


def _decimal(seed: int) -> Marker:
    return Marker(decimal.Decimal(f"{_digits(seed)}.5"), (_digits(seed),))


def _phone(seed: int, end: int = 0) -> Marker:
    digits = f"139{seed % 10**4:04}{end % 10**4:04}"
    return Marker(digits, (digits, digits[3:], digits[::-1]))


def _email(seed: int) -> Marker:
    return Marker(f"{word(seed)}@example.org", (word(seed),))


def _url(seed: int) -> Marker:
    return Marker(f"https://example.org/{word(seed)}", (word(seed),))


def _date(seed: int, since: int = 1600, days: int = 100_000) -> Marker:
    day = datetime.date(since, 1, 1) + datetime.timedelta(days=seed % days)
    return Marker(day, (day.isoformat(), *_spoken(day)))


def _moment(seed: int, since: int = 1600, days: int = 100_000) -> Marker:
    day = datetime.date(since, 1, 1) + datetime.timedelta(days=seed % days)
    moment = datetime.datetime(day.year, day.month, day.day, 4, 30, tzinfo=datetime.UTC)
    return Marker(moment, (day.isoformat(), *_spoken(day)))


def _one_after_another(*names: str) -> dict[str, Any]:
    """For times that must follow each other: each has years of its own."""
    return {
        name: (partial(_moment, since=1900 + 16 * place, days=5800),)
        for place, name in enumerate(names)
    }


def _spoken(day: datetime.date) -> tuple[str, ...]:
    forms = ("short", "medium", "long", "full")
    written = {format_date(day, f, locale=code) for code in ("en", "zh") for f in forms[1:]}
    return (*sorted(written), f"{day:%Y/%m/%d}", f"{day.year}/{day.month}/{day.day}")


def _tags(seed: int) -> Marker:
    return Marker([word(seed)], (word(seed),))


def _credit_code(seed: int) -> Marker:
    """18 characters with the right one at the end."""
    from stdnum.cn import uscc

    body = f"9144030{seed % 10**9:09}T"
    code = body + uscc.calc_check_digit(body)
    return Marker(code, (code, code[7:16]))


def _file(seed: int) -> Marker:
    """What stands in the file; its number is given by whoever files it, see `World.brought`."""
    return Marker(1, (word(seed),))


_BY_FIELD = {
    "credit_code": (_credit_code,),
    "rating": (_stars,),
    "as_of": (partial(_date, since=1992, days=5800),),
    "birthday": (partial(_date, since=1965, days=5800),),
}
_BY_FIELD |= _one_after_another("opened_at", "sent_at", "first_response_at", "solved_at")
_BY_TYPE: dict[str, Any] = {
    "text": (_text, _plain_word),
    "long_text": (_text,),
    "integer": (_integer,),
    "decimal": (_decimal,),
    "money": (_decimal,),
    "phone": (_phone,),
    "email": (_email,),
    "url": (_url,),
    "date": (_date,),
    "datetime": (_moment,),
    "tags": (_tags,),
    "file": (_file,),
}

_TOKEN = re.compile(rf"zq[a-z]{{6}}qz|[{RARE}]{{6}}|\d{{7,}}|19[3-6]\d")
_SEPARATED = re.compile(r"(?<=\d)[,\u00a0\u202f ](?=\d{3})")


LONG = 4000
"""Longer lines hardly come again: they are not remembered."""


class Net:
    """Finds any of the tokens in an answer, however they are written there."""

    def __init__(self, tokens: dict[str, str]) -> None:
        """`tokens`: what betrays a cell → which cell it is."""
        self.cells = {token.lower(): cell for token, cell in tokens.items()}
        self._clean: set[str] = set()

    @cached_property
    def _dates(self) -> list[str]:
        return [token for token in self.cells if re.search(r"19[3-6]\d", token)]

    @cached_property
    def _runs(self) -> dict[int, set[str]]:
        runs: dict[int, set[str]] = {}
        for token in self.cells:
            if token.isdigit():
                runs.setdefault(len(token), set()).add(token)
        return runs

    def caught(self, text: str) -> set[str]:
        """The cells whose values stand in the text. No value has several lines."""
        found: set[str] = set()
        for line in text.split("\n"):
            if line not in self._clean:
                here = {token for form in forms(line) for token in self._in(form)}
                if here:
                    found |= here
                elif len(line) <= LONG:
                    self._clean.add(line)
        return {self.cells[token] for token in found}

    def _in(self, text: str) -> set[str]:
        found: set[str] = set()
        years = False
        for token in set(_TOKEN.findall(text)):
            if token in self.cells:
                found.add(token)
            elif token.isdigit() and len(token) >= 7:
                found |= self._within(token)
            years |= len(token) == 4 and token.isdigit()
        if years or re.search(r"19[3-6]\d", text):
            found |= {token for token in self._dates if token in text}
        return found

    def _within(self, digits: str) -> set[str]:
        found: set[str] = set()
        for length, tokens in self._runs.items():
            for start in range(len(digits) - length + 1):
                part = digits[start : start + length]
                if part in tokens:
                    found.add(part)
        return found


def forms(text: str) -> set[str]:
    """A text as it stands, and as what it may be an escape of, in small letters."""
    found = {text}
    if "&" in text:
        found.add(html.unescape(text))
    if "\\u" in text:
        found.add(_unescaped(text))
    if "%" in text:
        found.add(urllib.parse.unquote_plus(text))
    found |= {_SEPARATED.sub("", form) for form in tuple(found)}
    found = {form.lower() for form in found}
    return found | {form[::-1] for form in found if "zq" in form[::-1]}


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: json.loads(f'"\\u{found.group(1)}"'), text)
