"""Both catalogs hold every message of the sources, translated, and nothing else."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Catalog

from translations import catalogs

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


@pytest.fixture(scope="module")
def source() -> Catalog:
    return catalogs.from_sources()


@pytest.mark.parametrize("language", catalogs.LANGUAGES)
def test_no_message_is_missing_fuzzy_or_unused(language: str, source: Catalog) -> None:
    assert catalogs.problems(language, source) == []


def test_sources_are_read(source: Catalog) -> None:
    """An extractor that finds nothing would pass every other test."""
    texts = {str(message.id) for message in source}
    assert {"Customer", "Save", "This field is required."} <= texts


def test_chinese_is_written_as_in_an_office() -> None:
    """Full-width punctuation after Chinese, no exclamation marks, no English left over."""
    wrong = []
    for message in catalogs.read("zh"):
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            plain = PLACEHOLDER.sub("", text or "")
            if message.id and (
                re.search(r"[\u4e00-\u9fff][,;:?!]", plain)
                or re.search(r"[\u4e00-\u9fff]\.(\s|$)", plain)
                or "！" in plain
            ):
                wrong.append(text)
    assert wrong == []


def test_chinese_keeps_a_blank_beside_latin() -> None:
    beside = re.compile(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]")
    wrong = [
        text
        for message in catalogs.read("zh")
        if message.id
        for text in (message.string if isinstance(message.string, tuple) else (message.string,))
        if beside.search(PLACEHOLDER.sub("", text))
    ]
    assert wrong == []
