"""Labels that administrators write, in both languages, beside the ones that come from catalogs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale


def language() -> str:
    """The language of the reader now: `zh` or `en`; `zh` outside a request."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


@dataclass(frozen=True)
class Bilingual:
    """A label as data; str() gives it in the reader's language, or the other one where empty."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.en or self.zh if language() == "en" else self.zh or self.en

    def __html__(self) -> str:
        from markupsafe import escape

        return str(escape(str(self)))

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)


def both_languages(label: Any) -> tuple[str, ...]:
    """A label's wording in every language: what headers of files are matched with."""
    if isinstance(label, Bilingual):
        return tuple(text for text in (label.zh, label.en) if text)
    from flask_babel import force_locale

    words = []
    for code in ("zh", "en"):
        with force_locale(code):
            words.append(str(label))
    return tuple(words)


def in_office_language(message: Any) -> str:
    """A message in the first language of the installation: for what colleagues read, whoever gave cause."""
    from flask_babel import force_locale

    with force_locale("zh"):
        return str(message)
