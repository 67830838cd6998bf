"""The currency written beside an amount: a sign, a Chinese word or an ISO code, on either side."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

# In mainland China ¥ and 元 mean the renminbi; the yen is written 日元 or JPY.
_SIGNS = {
    "¥": "CNY",
    "元": "CNY",
    "元整": "CNY",
    "圆": "CNY",
    "圆整": "CNY",
    "块": "CNY",
    "人民币": "CNY",
    "RMB": "CNY",
    "$": "USD",
    "US$": "USD",
    "美元": "USD",
    "€": "EUR",
    "欧元": "EUR",
    "£": "GBP",
    "英镑": "GBP",
    "HK$": "HKD",
    "港元": "HKD",
    "港币": "HKD",
    "日元": "JPY",
    "新台币": "TWD",
    "₩": "KRW",
    "韩元": "KRW",
}
_WORDS = "|".join(sorted(map(re.escape, _SIGNS), key=len, reverse=True))
_BEFORE = re.compile(rf"(?P<sign>[-+\u2212]?)\s*(?P<word>{_WORDS}|[A-Za-z]{{3}})\s*(?P<rest>.*)")
_AFTER = re.compile(rf"(?P<rest>.*?)\s*(?P<word>{_WORDS}|[A-Za-z]{{3}})")


def split_currency(text: str) -> tuple[str, str | None]:
    """The number's text and the currency's code; text with none, or with two that differ, whole."""
    before, rest = _take(_BEFORE, text)
    after, inner = _take(_AFTER, rest)
    if before and after and before != after:
        return text, None
    return inner, before or after


def _take(pattern: re.Pattern[str], text: str) -> tuple[str | None, str]:
    found = pattern.fullmatch(text)
    if not found:
        return None, text
    word = found["word"]
    code = _SIGNS.get(word) or _SIGNS.get(word.upper()) or _code(word.upper())
    if code is None:
        return None, text
    return code, (found.groupdict().get("sign") or "") + found["rest"]


def _code(word: str) -> str | None:
    return word if word in _codes() else None


@cache
def _codes() -> frozenset[str]:
    """Every ISO 4217 code that Babel knows."""
    return frozenset(Locale("en").currencies)
