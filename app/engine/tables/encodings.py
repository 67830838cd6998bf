"""The encoding of a text file, found from the whole of its content and never guessed from a part.

Strict decoding decides: UTF-8 first, because text in another encoding practically never passes as
UTF-8, then GB18030 (which holds GBK and GB2312) where its bytes look like Chinese. What is neither
goes to charset-normalizer, with a warning.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes
from flask_babel import lazy_gettext as _

from app.engine.tables.problems import TableProblem

_CHUNK = 1024 * 1024
_SAMPLE = 64 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Two-byte characters of GB18030; those of GB2312, which ordinary Chinese text is made of.
_PAIRS = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
_COMMON_PAIRS = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_COMMON_SHARE = 0.85
# Three Chinese characters of UTF-8 next to one another: in ordinary GB18030 text practically never.
_UTF8_WORD = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2}){3}")
# After so many characters beyond ASCII that were valid UTF-8, a bad byte is a fault in a UTF-8
# file, not a sign of another encoding.
_SURELY_UTF8 = 12
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_SHARE = 0.02


@dataclass(frozen=True)
class _Fault:
    """Where strict decoding failed: the line, and how much beyond ASCII had been read by then."""

    line: int
    beyond_ascii: int


def find_encoding(path: Path) -> tuple[str, list[Any]]:
    """The codec's name and warnings. Raises TableProblem where no encoding reads the whole file."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    for mark, codec in _MARKS:
        if sample.startswith(mark):
            return _checked(path, codec)
    wide = _wide(sample)
    if wide:
        return _checked(path, wide)
    fault = _verify(path, "utf-8")
    if fault is None:
        return _plausible("utf-8", sample), []
    if fault.beyond_ascii >= _SURELY_UTF8:
        raise _broken(fault.line, "UTF-8")
    return _other(path, sample)


def _other(path: Path, sample: bytes) -> tuple[str, list[Any]]:
    """What to read a file as that is not UTF-8: GB18030, or charset-normalizer's best."""
    if _looks_chinese(path):
        fault = _verify(path, "gb18030")
        line = fault.line if fault is not None else _utf8_among_others(path)
        if line is None:
            return _plausible("gb18030", sample), []
        raise _broken(line, "GB18030")
    best = from_bytes(sample).best()
    if best is None or _verify(path, best.encoding) is not None:
        raise TableProblem(
            _("The file is not a table, or its encoding is unknown. Save it as UTF-8 CSV or XLSX.")
        )
    codec = _plausible(best.encoding, sample)
    return codec, [_("The encoding was guessed: %(name)s. Check the characters.", name=codec)]


def _checked(path: Path, codec: str) -> tuple[str, list[Any]]:
    """A codec that the bytes themselves name, once the whole file has been read by it."""
    fault = _verify(path, codec)
    if fault is not None:
        raise _broken(fault.line, codec.removesuffix("-sig").upper())
    return codec, []


def _verify(path: Path, codec: str) -> _Fault | None:
    """Decode the whole file strictly, at constant memory; where it fails, None otherwise."""
    decoder = codecs.getincrementaldecoder(codec)()
    lines, beyond = 1, 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                good = error.object[: error.start]
                text = good.decode(codec, "ignore")
                return _Fault(lines + text.count("\n"), beyond + _beyond_ascii(text))
            if not chunk:
                return None
            lines += text.count("\n")
            if beyond < _SURELY_UTF8:
                beyond += _beyond_ascii(text)


def _beyond_ascii(text: str) -> int:
    return 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark: ASCII in it leaves every second byte zero."""
    zeros_even, zeros_odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if half < 2 or zeros_even + zeros_odd < half * 0.2:
        return None
    if zeros_odd > 20 * zeros_even:
        return "utf-16-le"
    return "utf-16-be" if zeros_even > 20 * zeros_odd else None


def _looks_chinese(path: Path) -> bool:
    """Whether the bytes beyond ASCII pair up as ordinary Chinese does."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            pairs = _PAIRS.findall(chunk)
            if pairs:
                common = sum(1 for pair in pairs if _COMMON_PAIRS.match(pair))
                return common >= _COMMON_SHARE * len(pairs)
    return False


def _utf8_among_others(path: Path) -> int | None:
    """The first line of a GB18030 file that is UTF-8: it passes as GB18030 too, as nonsense."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if _UTF8_WORD.search(line) and _is_utf8(line):
                return number
    return None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _plausible(codec: str, sample: bytes) -> str:
    """The codec, where the text it gives is text. Raises TableProblem where it is mostly noise."""
    text = sample.decode(codec, "ignore")
    if len(_CONTROLS.findall(text)) > _CONTROL_SHARE * max(len(text), 1):
        raise TableProblem(
            _("The file is not a table, or its encoding is unknown. Save it as UTF-8 CSV or XLSX.")
        )
    return codec


def _broken(line: int, name: str) -> TableProblem:
    return TableProblem(
        _(
            "Line %(line)s is not valid %(name)s: the file is damaged or mixes encodings.",
            line=line,
            name=name,
        )
    )
