"""Text of RTF files."""

from __future__ import annotations

from typing import Any

from striprtf import striprtf

from app.engine.contents.readers.output import Pages

_MOST = 20 * 1024 * 1024


def read(path: str, pages: Pages, **_options: Any) -> None:
    """Bytes beyond ASCII stand in RTF as escapes, in the encoding that the file names. Raises Full."""
    with open(path, encoding="latin-1") as file:  # noqa: PTH123
        rtf: Any = striprtf
        text = str(rtf.rtf_to_text(file.read(_MOST), errors="replace"))
    pages.paragraphs(text.split("\n"))
    pages.turn()
