"""What somebody types, as a condition on tokens, and that condition in each database's words.

A query is words; each must be found in one of the allowed fields. Every part of it is bounded, so
that no input makes a condition that takes long to build or to answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from app.engine.search.conditions import NOWHERE, All, Any, Condition, Token
from app.engine.search.normal import Run, normalise, runs
from app.engine.search.pinyin import syllable_blocks
from app.engine.search.tokens import (
    GRAM,
    LONGEST_WORD,
    SearchField,
    grams,
    syllables_token,
)

_QUERY_LIMIT = 200  # characters
_MOST_WORDS = 8
_MOST_PAIRS = 40  # of one word
_LONGEST_INITIALS = 12
_PHONE = re.compile(r"[\d\s()+.\-]+")


def in_first_field(condition: Condition) -> Condition:
    """The condition with only the first of all alternatives: what meets it meets the whole, too.

    Where it is words in fields, that is the first field: most often the record's name.
    """
    if isinstance(condition, Any):
        return in_first_field(condition.parts[0])
    if isinstance(condition, All):
        return All(tuple(in_first_field(part) for part in condition.parts))
    return condition


def parse(query: str, fields: Sequence[SearchField], sounds: bool = True) -> Condition | None:
    """Return the condition on the tokens of `fields`; None if there is nothing to search for.

    With no field that can match, the condition is one that holds nowhere. Without `sounds`, Latin
    letters stand for themselves alone and not for pinyin or initials.
    """
    text = normalise(query, _QUERY_LIMIT)
    words = [divided for word in text.split() if (divided := list(runs(word)))]
    if not words:
        return None
    if not fields:
        return NOWHERE
    wanted = _all(_word(word, fields, sounds) for word in words[:_MOST_WORDS])
    if len(words) > 1 and _PHONE.fullmatch(text):
        compact = "".join(run.text for word in words for run in word)
        whole = [_gram_tokens(f.code, compact) for f in fields if f.kind == "code"]
        whole += [_sealed(f, compact) for f in fields if f.kind == "sealed"]
        return _any([wanted, *whole])
    return wanted


def _word(word: Sequence[Run], fields: Sequence[SearchField], sounds: bool) -> Condition:
    parts = (_word_in(word, field, sounds) for field in fields)
    return _any(part for part in parts if part is not NOWHERE)


def _word_in(word: Sequence[Run], field: SearchField, sounds: bool) -> Condition:
    if field.kind == "sealed":
        return _sealed(field, "".join(run.text for run in word))
    wanted = _tokens_of(word, field, sounds)
    if field.kind == "choice":
        return _any(field.choice_words.meeting(wanted))
    return wanted


def _sealed(field: SearchField, compact: str) -> Condition:
    return _any(Token(f"{field.code}={mark}") for mark in field.sought(compact))


def _tokens_of(word: Sequence[Run], field: SearchField, sounds: bool) -> Condition:
    parts = [_characters(field.code, run.text) for run in word if run.unspaced]
    latin = [run.text for run in word if not run.unspaced]
    if latin and field.kind == "code":
        parts.append(_code(field.code, latin))
    else:
        parts.extend(_latin(field, text, sounds) for text in latin)
    return _all(parts)


def _characters(code: str, text: str) -> Condition:
    if len(text) == 1:
        return Token(f"{code}:{text}", prefix=True)
    pairs = list(pairwise(text))[:_MOST_PAIRS]
    return _all(Token(f"{code}:{left}{right}") for left, right in pairs)


def _code(code: str, latin: Sequence[str]) -> Condition:
    """Separators do not count, in the code or in what is typed; one or two characters begin a part."""
    compact = "".join(latin)
    if len(compact) < GRAM - 1:
        return _all(Token(f"{code}:{part}", prefix=len(part) == 1) for part in latin)
    return _gram_tokens(code, compact)


def _gram_tokens(code: str, compact: str) -> Condition:
    if len(compact) < GRAM:
        return Token(f"{code}#{compact}", prefix=True)
    return _all(Token(f"{code}#{gram}") for gram in grams(compact)[:_MOST_PAIRS])


def _latin(field: SearchField, text: str, sounds: bool) -> Condition:
    text = text[:LONGEST_WORD]
    beginning = Token(f"{field.code}={text}", prefix=True)
    if not sounds or field.kind in ("long_text", "contents"):
        return beginning
    return _any([beginning, *_pinyin(field.code, text), *_initials(field.code, text)])


def _pinyin(code: str, letters: str) -> Iterable[Condition]:
    """The letters read as syllables: for neighbouring blocks, each way of one with each of the next.

    Two pairs of blocks may be satisfied by different ways of the block between them: that finds a
    little too much, seldom, and saves trying every combination.
    """
    blocks = syllable_blocks(letters)
    if len(blocks) == 1:
        yield _any(_syllables(code, split, ends=True) for split in blocks[0])
    elif blocks:
        yield _all(
            _any(
                _syllables(code, (*left, *right), ends=number == len(blocks) - 1)
                for left in blocks[number - 1]
                for right in blocks[number]
            )
            for number in range(1, len(blocks))
        )


def _syllables(code: str, split: Sequence[str], ends: bool) -> Condition:
    """These syllables one after the other; with `ends` the last one may be only begun."""
    if len(split) == 1:
        return Token(f"{code}~{split[0]}", prefix=ends)
    tokens = [Token(syllables_token(code, left, right)) for left, right in pairwise(split)]
    if ends:
        tokens[-1] = Token(tokens[-1].text, prefix=True)
    return _all(tokens)


def _initials(code: str, letters: str) -> Iterable[Condition]:
    if 2 <= len(letters) <= _LONGEST_INITIALS:
        pairs = pairwise(letters)
        yield _all(Token(f"{code}^{left}{right}", prefix=True) for left, right in pairs)


def _all(parts: Iterable[Condition]) -> Condition:
    different = tuple(dict.fromkeys(parts))
    return different[0] if len(different) == 1 else All(different)


def _any(parts: Iterable[Condition]) -> Condition:
    """At least one of them; without any, what holds nowhere."""
    different = tuple(dict.fromkeys(parts))
    if not different:
        return NOWHERE
    return different[0] if len(different) == 1 else Any(different)


def as_fts5(condition: Condition) -> str:
    """Return the condition as an FTS5 expression. Tokens hold no quotation mark."""
    if isinstance(condition, Token):
        return f'"{condition.text}"' + (" *" if condition.prefix else "")
    word = " AND " if isinstance(condition, All) else " OR "
    return "(" + word.join(as_fts5(part) for part in condition.parts) + ")"


def as_tsquery(condition: Condition) -> str:
    """Return the condition as PostgreSQL's tsquery. Tokens hold no apostrophe and no backslash."""
    if isinstance(condition, Token):
        return f"'{condition.text}'" + (":*" if condition.prefix else "")
    word = " & " if isinstance(condition, All) else " | "
    return "(" + word.join(as_tsquery(part) for part in condition.parts) + ")"
