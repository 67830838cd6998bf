"""Mail (EML): who wrote what to whom; attachments are named, not opened."""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from typing import Any, cast

from app.engine.contents.readers.markup import text_of
from app.engine.contents.readers.output import Pages, clean
from app.engine.contents.readers.sanitised import CHARACTERS, sanitised

HEADERS = ("Subject", "From", "To", "Cc", "Date")
_HEADER = 2000
_MOST_PARTS = 200
# Programs say GB2312 and mean its larger successors.
_CHINESE = {"gb2312", "gbk", "gb18030", "x-gbk", "cp936", "hz-gb-2312"}
_FAULTS = (ValueError, LookupError, AttributeError, TypeError)
"""What the standard library raises for headers and bodies that keep to no rule."""


def read(path: str, pages: Pages, **_options: Any) -> None:
    """Headers, the body, the attachments' names. Raises Full."""
    mail = _parsed(path)
    pages.paragraphs(text for _name, text in _headers(mail))
    text, html = _body(mail)
    pages.paragraphs((text if text is not None else text_of(html or "")).split("\n"))
    pages.paragraphs(name for name, _type in _attachments(mail))
    pages.turn()


def show(path: str, **_options: Any) -> Iterator[dict[str, Any]]:
    """Headers, the body as the writer laid it out but harmless, and what is attached."""
    mail = _parsed(path)
    yield {"headers": _headers(mail)}
    text, html = _body(mail)
    if html is not None:
        yield {"html": sanitised(html), "cut": len(html) > CHARACTERS}
    elif text is not None:
        yield {"text": text[:CHARACTERS], "cut": len(text) > CHARACTERS}
    attached = list(_attachments(mail))
    if attached:
        yield {"attached": attached}


def _parsed(path: str) -> EmailMessage:
    with open(path, "rb") as file:  # noqa: PTH123
        return BytesParser(policy=policy.default).parse(file)


def _headers(mail: Message[Any, Any]) -> list[tuple[str, str]]:
    found = ((name, _header(mail, name)) for name in HEADERS)
    return [(name, text) for name, text in found if text]


def _header(mail: Message[Any, Any], name: str) -> str:
    try:
        value = mail.get(name)
        return "" if value is None else " ".join(clean(str(value)).split())[:_HEADER]
    except _FAULTS:
        raw = next((v for k, v in mail.raw_items() if k.lower() == name.lower()), "")
        return clean(str(raw))[:_HEADER]


def _body(mail: EmailMessage) -> tuple[str | None, str | None]:
    """The body as plain text and as HTML, each where there is one."""
    found: dict[str, str] = {}
    for part in _parts(mail):
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and kind not in found and not _name(part):
            found[kind] = _decoded(part)
    return found.get("text/plain"), found.get("text/html")


def _decoded(part: Message[Any, Any]) -> str:
    content = cast(bytes, part.get_payload(decode=True) or b"")
    named = (part.get_content_charset() or "utf-8").lower()
    charset = "gb18030" if named in _CHINESE else named
    try:
        return clean(content.decode(charset, "replace"))
    except LookupError:  # a charset that nobody knows
        return clean(content.decode("utf-8", "replace"))


def _attachments(mail: EmailMessage) -> Iterator[tuple[str, str]]:
    for part in _parts(mail):
        name = _name(part)
        if name:
            yield name, part.get_content_type()


def _parts(mail: EmailMessage) -> list[Message[Any, Any]]:
    """The parts that hold something themselves; of a mail inside a mail, that one as a whole."""
    found: list[Message[Any, Any]] = []
    waiting: list[Message[Any, Any]] = [mail]
    while waiting and len(found) < _MOST_PARTS:
        part = waiting.pop(0)
        if part.get_content_maintype() == "multipart":
            inner: Any = part.get_payload()
            waiting[:0] = inner if isinstance(inner, list) else []
        else:
            found.append(part)
    return found


def _name(part: Message[Any, Any]) -> str:
    try:
        name = part.get_filename() or ""
        attached = part.get_content_disposition() == "attachment"
    except _FAULTS:
        name, attached = "", True
    if not name and (attached or part.get_content_maintype() == "message"):
        name = part.get_content_type()
    return clean(name.replace("\n", " "))[:300]
