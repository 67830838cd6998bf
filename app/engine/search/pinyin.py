"""Readings of Chinese characters, and Latin letters read back as pinyin syllables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice, pairwise

from app.engine.search.normal import normalise, runs

_TONES = str.maketrans(
    "āáǎàēéěèếềīíǐìōóǒòūúǔùüǖǘǚǜńňǹḿê",
    "aaaaeeeeeeiiiioooouuuuvvvvvnnnme",
    "\u0300\u0301\u0304\u030c",
)
# Readings that these characters have as surnames and hardly anywhere else.
SURNAMES: Mapping[str, str] = {
    "仇": "qiu", "任": "ren", "佴": "nai", "冼": "xian", "区": "ou", "单": "shan", "召": "shao",
    "尉": "yu", "庞": "pang", "折": "she", "曾": "zeng", "朴": "piao", "查": "zha", "牟": "mu",
    "盖": "ge", "祭": "zhai", "秘": "bi", "种": "chong", "纪": "ji", "缪": "miao", "翟": "zhai",
    "薄": "bo", "覃": "qin", "解": "xie", "谌": "chen", "逄": "pang", "那": "na", "隗": "wei",
    "黑": "he",
}  # fmt: skip
_LONGEST_PHRASE = 4
_MOST_READINGS = 3
_LONGEST_SYLLABLE = 6
_MOST_SPLITS = 6


@dataclass(frozen=True)
class Dictionary:
    """What pypinyin knows, without tones and cut down to what a search needs."""

    characters: Mapping[str, tuple[str, ...]]  # the usual reading first, then the likely others
    phrases: Mapping[str, tuple[str, ...]]  # only those that decide between several readings
    beginnings: Mapping[str, tuple[str, ...]]  # first letters of a syllable -> syllables


@cache
def dictionary() -> Dictionary:
    """Load and condense pypinyin's dictionaries: half a second, once a process, when first used."""
    from pypinyin.phrases_dict import phrases_dict
    from pypinyin.pinyin_dict import pinyin_dict

    phrases = {
        phrase: tuple(_toneless(readings[0]) for readings in spelled)
        for phrase, spelled in phrases_dict.items()
    }
    uses = Counter(
        pair
        for phrase, spelled in phrases.items()
        for pair in zip(phrase, spelled, strict=False)  # some phrases hold a comma without reading
    )
    characters = {
        chr(code): _likely(chr(code), marked.split(","), uses)
        for code, marked in pinyin_dict.items()
    }
    deciding = {
        phrase: spelled
        for phrase, spelled in phrases.items()
        if 2 <= len(phrase) == len(spelled) <= _LONGEST_PHRASE
        and any(len(characters.get(character, ())) > 1 for character in phrase)
    }
    return Dictionary(characters, deciding, _beginnings(characters))


@cache
def _toneless(syllable: str) -> str:
    return syllable.translate(_TONES)


def _likely(
    character: str, marked: Sequence[str], uses: Mapping[tuple[str, str], int]
) -> tuple[str, ...]:
    """The usual reading, and those that at least 4 in 100 phrases with this character have."""
    plain = list(dict.fromkeys(map(_toneless, marked)))
    if len(plain) == 1 and character not in SURNAMES:
        return (plain[0],)
    total = sum(uses.get((character, reading), 0) for reading in plain)
    least = max(2, 0.04 * total)
    likely = plain[:1] + [r for r in plain[1:] if uses.get((character, r), 0) >= least]
    if character in SURNAMES:
        likely.insert(1, SURNAMES[character])
    return tuple(dict.fromkeys(likely))[:_MOST_READINGS]


def _beginnings(characters: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    syllables = {
        typed for options in characters.values() for r in options for typed in spellings(r)
    }
    found: dict[str, list[str]] = {}
    for syllable in sorted(s for s in syllables if any(vowel in s for vowel in "aeiouv")):
        for length in range(1, len(syllable) + 1):
            found.setdefault(syllable[:length], []).append(syllable)
    return {beginning: tuple(listed) for beginning, listed in found.items()}


def spellings(syllable: str) -> tuple[str, ...]:
    """How a syllable is typed: lü as lv or lu."""
    return (syllable, syllable.replace("v", "u")) if "v" in syllable else (syllable,)


def readings(text: str) -> list[tuple[str, ...]]:
    """Return the likely toneless readings of each character, the likeliest first.

    A known word decides the reading of its characters (重庆 is chong qing only); a character on
    its own keeps up to three. A character that is not Chinese has none.
    """
    known = dictionary()
    find = known.characters.get
    found = [find(character, ()) for character in text]
    unclear = [position for position, options in enumerate(found) if len(options) > 1]
    if not unclear:
        return found
    position = max(0, unclear[0] - _LONGEST_PHRASE + 1)
    while position <= unclear[-1]:
        spelled = _phrase_at(text, position, known.phrases)
        if spelled:
            found[position : position + len(spelled)] = [(reading,) for reading in spelled]
        position += len(spelled) if spelled else 1
    return found


def _phrase_at(
    text: str, position: int, phrases: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...] | None:
    for length in range(min(_LONGEST_PHRASE, len(text) - position), 1, -1):
        spelled = phrases.get(text[position : position + length])
        if spelled:
            return spelled
    return None


Split = tuple[str, ...]


@lru_cache(maxsize=2000)
def syllable_blocks(letters: str) -> tuple[tuple[Split, ...], ...]:
    """Return the ways to read `letters` as syllables, block by block.

    A block ends where every reading has a syllable end, so each block's ways can be combined with
    any of the next one's. "fanganxian" gives ((fang, an), (fan, gan), ...) and ((xian), (xi, an),
    (xia, n)): the very last syllable may be only begun. Letters that no syllables spell give
    nothing. At most six ways a block, those of the fewest syllables.
    """
    ends = _syllable_ends(letters)
    size = len(letters)
    before = [1] + [0] * size  # ways to get to a position, and from it to the end
    for start in range(size):
        for end in ends[start]:
            before[end] += before[start]
    after = [0] * size + [1]
    for start in reversed(range(size)):
        after[start] = sum(after[end] for end in ends[start])
    if not after[0]:
        return ()
    cuts = [p for p in range(size + 1) if before[p] * after[p] == after[0]]
    return tuple(
        tuple(sorted(islice(_splits(letters, a, b, ends), 100), key=len)[:_MOST_SPLITS])
        for a, b in pairwise(cuts)
    )


def _syllable_ends(letters: str) -> list[list[int]]:
    """For each position, where a syllable from there may end: longest first."""
    beginnings = dictionary().beginnings
    size = len(letters)
    ends: list[list[int]] = []
    for start in range(size):
        inside = range(min(start + _LONGEST_SYLLABLE, size - 1), start, -1)
        whole = [e for e in inside if letters[start:e] in beginnings.get(letters[start:e], ())]
        ends.append([size, *whole] if letters[start:] in beginnings else whole)
    return ends


def _splits(letters: str, start: int, stop: int, ends: list[list[int]]) -> Iterator[Split]:
    if start == stop:
        yield ()
    for end in ends[start] if start < stop else ():
        if end <= stop:
            for rest in _splits(letters, end, stop, ends):
                yield (letters[start:end], *rest)


_KEYS_REMEMBERED = 5_000
_KEY_LENGTH = 100
_keys: dict[str, str] = {}


def pinyin_key(text: str) -> str:
    """Return a key by which Chinese and Latin names sort together alphabetically.

    Each character's likeliest reading stands for it, followed by the character itself, so that
    names of the same sound keep their characters together. The first hundred characters count.
    """
    key = _keys.get(text)
    if key is None:
        key = _pinyin_key(text)
        learn_pinyin_keys({text: key})
    return key


def learn_pinyin_keys(keys: Mapping[str, str]) -> None:
    """Remember keys, by their texts, that were worked out elsewhere."""
    if len(_keys) + len(keys) > _KEYS_REMEMBERED:
        _keys.clear()
    _keys.update(keys)


def _pinyin_key(text: str) -> str:
    parts: list[str] = []
    for run in runs(normalise(text, _KEY_LENGTH)):
        if run.unspaced:
            for character, spelled in zip(run.text, readings(run.text), strict=True):
                parts.append(f"{spelled[0]} {character}" if spelled else character)
        else:
            parts.append(run.text)
    return " ".join(parts)
