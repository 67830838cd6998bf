"""Tokens and queries without a database: what is indexed must be what is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.engine.search import SearchField, SearchIndex, normalise, pinyin_key
from app.engine.search.normal import runs
from app.engine.search.pinyin import dictionary, readings, spellings, syllable_blocks
from app.engine.search.query import All, Condition, Token, parse

NAME = SearchField("name", "n")
CODE = SearchField("code", "c", "code")
NOTES = SearchField("notes", "o", "long_text")
FIELDS = [NAME, CODE, NOTES]
INDEX = SearchIndex("search_thing", FIELDS)
patient = settings(deadline=None)  # machines that run tests are busy
BY_KIND = pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.kind)

common_characters = st.text(
    st.sampled_from("润科技重庆长安银行乐单万大石车区曾会西绿吕音女中国有限公司上海广方案先"),
    min_size=1,
    max_size=12,
)
any_characters = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=12)
letters_and_digits = st.text(st.sampled_from("abcxyzABC019-/. "), min_size=1, max_size=30)


def holds(condition: Condition, tokens: set[str]) -> bool:
    if isinstance(condition, Token):
        if condition.prefix:
            return any(token.startswith(condition.text) for token in tokens)
        return condition.text in tokens
    combine = all if isinstance(condition, All) else any
    return combine(holds(part, tokens) for part in condition.parts)


def finds(query: str, text: str, field: SearchField = NAME) -> bool:
    condition = parse(query, [field])
    assert condition is not None
    return holds(condition, set(INDEX.tokens({field.name: text})))


@BY_KIND
@patient
@given(text=common_characters | any_characters, around=st.text(max_size=5), data=st.data())
def test_any_part_of_chinese_text_is_found(
    field: SearchField, text: str, around: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    assume(normalise(part).strip())
    assert finds(part, f"{around} {text} {around}", field)


@BY_KIND
@patient
@given(text=st.text(max_size=40))
def test_every_text_finds_itself(field: SearchField, text: str) -> None:
    if parse(text, [field]) is None:
        assert INDEX.tokens({field.name: text}) == []
    else:
        assert finds(text, text, field)


@patient
@given(text=common_characters | any_characters, data=st.data())
def test_any_part_is_found_by_pinyin_and_initials(text: str, data: st.DataObject) -> None:
    text = normalise(text)
    spelled = readings(text)
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 6)))
    known = dictionary().beginnings
    assume(start < stop)
    assume(all(options and options[0][0] in known for options in spelled[start:stop]))
    chosen = [data.draw(st.sampled_from(options)) for options in spelled[start:stop]]
    typed = [data.draw(st.sampled_from(spellings(syllable))) for syllable in chosen]
    # 嗯 is read n, 呒 m: no syllables that anybody types
    assume(all(syllable in known.get(syllable, ()) for syllable in typed))
    assert finds("".join(typed), text)
    assert finds("".join(typed)[:-1] or typed[0], text)
    if len(typed) > 1:
        assert finds("".join(syllable[0] for syllable in typed), text)


@patient
@given(text=letters_and_digits, data=st.data())
def test_any_three_characters_of_a_code_are_found(text: str, data: st.DataObject) -> None:
    compact = "".join(run.text for run in runs(normalise(text)))
    assume(len(compact) >= 3)
    start = data.draw(st.integers(0, len(compact) - 3))
    stop = data.draw(st.integers(start + 3, len(compact)))
    assert finds(compact[start:stop], text, CODE)
    assert finds(text, text, CODE)


@pytest.mark.parametrize("field", [NAME, NOTES], ids=lambda field: field.kind)
@patient
@given(words=st.lists(st.text("abcdeéÉÀß", min_size=1, max_size=50), min_size=1), data=st.data())
def test_words_are_found_by_their_beginning(
    field: SearchField, words: list[str], data: st.DataObject
) -> None:
    word = data.draw(st.sampled_from(words))
    beginning = word[: data.draw(st.integers(1, len(word)))]
    assert finds(beginning, " ".join(words), field)


@patient
@given(values=st.fixed_dictionaries({f.name: st.text() for f in FIELDS}), query=st.text())
def test_a_field_left_out_never_matches(values: dict[str, str], query: str) -> None:
    hidden = {**values, "name": ""}
    condition = parse(query, [CODE, NOTES])
    if condition is not None:
        with_name, without = (set(INDEX.tokens(v)) for v in (values, hidden))
        assert holds(condition, with_name) == holds(condition, without)


@patient
@given(text=st.text())
def test_tokens_are_what_both_databases_take_whole(text: str) -> None:
    for token in INDEX.tokens({field.name: text for field in FIELDS}):
        body = token[2:]
        assert not set(token) & set(" '\"\\\x00%")
        assert token.encode()
        assert body == body.casefold()  # Cherokee folds to capitals
        assert len(token.encode()) < 500


def test_polyphones() -> None:
    assert readings("重庆") == [("chong",), ("qing",)]
    assert readings("银行") == [("yin",), ("hang",)]
    assert readings("长")[0] == ("zhang", "chang")
    assert finds("shan", "单国强")
    assert not finds("zhongqing", "重庆")
    for query in ("lvbu", "lubu", "lübu", "lb"):
        assert finds(query, "吕布")


def test_syllable_blocks() -> None:
    assert syllable_blocks("runke") == ((("run",),), (("ke",),))
    assert ("xi", "an") in syllable_blocks("xian")[0]
    assert {("fang", "an"), ("fan", "gan")} <= set(syllable_blocks("fangan")[0])
    assert syllable_blocks("hello") == ()
    assert len(str(syllable_blocks("an" * 20))) < 1_000


def test_normalise() -> None:
    assert normalise("万科Ａ１２") == "万科a12"
    assert normalise("Straße ÉTÉ") == "strasse ete"
    assert normalise("a\x00b\u200ec\ud800") == "a bc"
    assert normalise("臺灣") == "臺灣"
    assert normalise("が 가") == "が 가"
    assert len(normalise("\ufdfa" * 10_000)) == 2_000


def test_pinyin_key_sorts_as_a_chinese_list_does() -> None:
    names = ["重庆银行", "Zeta", "安徽", "北京", "阿里巴巴", "西安", "先锋", "1号店", ""]
    assert sorted(names, key=pinyin_key) == [
        "", "1号店", "阿里巴巴", "安徽", "北京", "重庆银行", "西安", "先锋", "Zeta",
    ]  # fmt: skip
    assert len(pinyin_key("长" * 100_000)) < 1_000


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SearchField("name", "N"),
        lambda: SearchField("name", ""),
        lambda: SearchField("name", "a:b"),
        lambda: SearchField("name", "n", "txet"),  # type: ignore[arg-type]
        lambda: SearchIndex("customer", [NAME]),
        lambda: SearchIndex("search_x; DROP TABLE y", [NAME]),
        lambda: SearchIndex("search_x", [NAME, SearchField("other", "n")]),
    ],
)
def test_wrong_declarations_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="search"):
        wrong()


LABELS = {
    "sz": "深圳 Shenzhen",
    "zz": "郑州 Zhengzhou",
    "ly": "洛阳 Luoyang",
    "sq": "商丘 Shangqiu",
}
CITY = SearchField("city", "t", "choice", lambda: LABELS)
CITIES = SearchIndex("search_city", [CITY])


def chosen(query: str) -> set[str]:
    """The choices whose records a query finds."""
    condition = parse(query, [CITY])
    assert condition is not None
    return {value for value in LABELS if holds(condition, set(CITIES.tokens({"city": value})))}


@patient
@given(st.text("深圳郑州洛阳商丘市", min_size=1, max_size=3) | st.text("shenzoulyagqi", min_size=1))
def test_a_choice_is_found_by_what_its_words_would_be_found_by(query: str) -> None:
    assert chosen(query) == {value for value, words in LABELS.items() if finds(query, words)}


def test_an_entry_holds_a_choice_as_one_token_whatever_it_is_called() -> None:
    assert len(CITIES.tokens({"city": "sz"})) == 1
    assert chosen("sz") == {"sz"}  # by the initials of 深圳
    assert chosen("拉萨") == set()
