"""Search: from a record's texts to an index of tokens, and from a query to a condition on it.

It knows no entity, no viewer and no page: callers say which fields a record has, and in which of
them somebody may search.
"""

from app.engine.search.index import TABLE_PREFIX, TOKENS_VERSION, SearchIndex, Tokens
from app.engine.search.labels import Labels
from app.engine.search.long_texts import CHARACTERS, LongText, taken_apart
from app.engine.search.normal import normalise
from app.engine.search.passages import Passage, find_passage
from app.engine.search.pinyin import dictionary as load_dictionary
from app.engine.search.pinyin import learn_pinyin_keys, pinyin_key
from app.engine.search.statements import COUNTED, Search, WeighedSearch
from app.engine.search.tokens import SearchField

__all__ = [
    "CHARACTERS",
    "COUNTED",
    "TABLE_PREFIX",
    "TOKENS_VERSION",
    "Labels",
    "LongText",
    "Passage",
    "Search",
    "SearchField",
    "SearchIndex",
    "Tokens",
    "WeighedSearch",
    "find_passage",
    "learn_pinyin_keys",
    "load_dictionary",
    "normalise",
    "pinyin_key",
    "taken_apart",
]
