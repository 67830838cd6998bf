"""Keeping the catalogs in step with the sources: `make catalogs`, and what the test checks.

A message's id is its English text, so the English catalog is filled by itself; a new message
stands empty in the Chinese one until somebody writes it. Nothing is ever guessed from a similar
message, and what no source uses any more goes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LANGUAGES = ("zh", "en")
HEADER = """\
# {name} wording of every message; written by `make catalogs`, worded by people.
msgid ""
msgstr ""
"Project-Id-Version: Steward\\n"
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""Without dates and machine names, which would differ at each run."""

KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}


def path_of(language: str) -> Path:
    """The catalog of a language."""
    return HERE / language / "LC_MESSAGES" / "messages.po"


def from_sources() -> Catalog:
    """Every message that the sources hold, with the files that hold it."""
    with (HERE / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file, "babel.cfg")  # type: ignore[no-untyped-call]
    catalog = Catalog(charset="utf-8")
    found = extract_from_dir(
        ROOT,
        methods,
        options,
        keywords=KEYWORDS,
        comment_tags=("Translators:",),
        strip_comment_tags=True,
        directory_filter=lambda folder: not Path(folder).name.startswith((".", "node_modules")),
    )
    for filename, _line, message, comments, context in sorted(found, key=lambda item: item[:2]):
        catalog.add(message, locations=[(filename, 0)], auto_comments=comments, context=context)
    return catalog


def read(language: str) -> Catalog:
    """The catalog of a language as it stands; an empty one when there is none yet."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def key_of(message: Message) -> tuple[str, str | None]:
    """What makes a message one of its own: its text and its context."""
    text = message.id[0] if isinstance(message.id, tuple | list) else message.id
    return str(text), message.context


def updated(language: str, source: Catalog) -> Catalog:
    """A new catalog with the sources' messages and the wording that the old one has for them."""
    old = {key_of(message): message for message in read(language) if message.id}
    new = Catalog(locale=language, charset="utf-8", fuzzy=False)
    for message in sorted((m for m in source if m.id), key=key_of):
        known = old.get(key_of(message))
        wording = known.string if known is not None and not known.fuzzy else ""
        if language == "en" and not _worded(wording):
            wording = message.id
        if isinstance(message.id, tuple) != isinstance(wording, tuple):
            wording = tuple([""] * new.num_plurals) if message.pluralizable else ""
        new.add(
            message.id,
            wording,
            locations=sorted(set(message.locations)),
            auto_comments=message.auto_comments,
            context=message.context,
        )
    return new


def _worded(wording: object) -> bool:
    return all(wording) if isinstance(wording, tuple) else bool(wording)


def problems(language: str, source: Catalog) -> list[str]:
    """What is wrong with a catalog: messages missing, empty, fuzzy, unused, or ill-formed."""
    catalog = read(language)
    have = {key_of(message): message for message in catalog if message.id}
    wanted = {key_of(message): message for message in source if message.id}
    found = [f"missing: {key[0]!r}" for key in wanted.keys() - have.keys()]
    found += [f"unused: {key[0]!r}" for key in have.keys() - wanted.keys()]
    for key, message in have.items():
        if message.fuzzy:
            found.append(f"fuzzy: {key[0]!r}")
        if not _worded(message.string):
            found.append(f"not translated: {key[0]!r}")
        found += [f"{error}: {key[0]!r}" for error in message.check(catalog)]
    found += [f"obsolete: {text!r}" for text in catalog.obsolete]
    return sorted(found)


def write(language: str, catalog: Catalog) -> None:
    """Write a catalog in the form that changes least from one time to the next."""
    header = HEADER.format(
        name={"zh": "Chinese", "en": "English"}[language],
        language=language,
        plurals=catalog.plural_forms,
    )
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(header.encode())
        write_po(file, catalog, width=100, omit_header=True, include_lineno=False)


def main() -> int:
    """Bring both catalogs in step; says what is left to translate. 1 when something is."""
    source = from_sources()
    left = []
    for language in LANGUAGES:
        write(language, updated(language, source))
        left += [f"{language}: {problem}" for problem in problems(language, source)]
    sys.stdout.write("".join(f"{line}\n" for line in left))
    sys.stdout.write(f"{len(source)} messages, {len(left)} to mend\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
