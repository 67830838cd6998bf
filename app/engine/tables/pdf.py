"""PDF pages: a table that fits the page's width, or one record; the Chinese font goes along.

Paper is for reading: texts are as people read them, long ones cut, nothing is meant to come back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pylopdf_fonts_zh_cn
from flask_babel import gettext
from fpdf import FPDF

_FONT = "sans"
_SIZE, _TITLE = 7.5, 13
_LINE = 3.6
_PAD = 1.2
_MARGIN = 10.0
_MOST_LINES = 3
_NARROWEST, _WIDEST = 9.0, 70.0
_UNBROKEN = re.compile("[!-\u2e7f]+")
_MOST_UNBROKEN = 38.0
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u202f\t"), " ")
"""What the font has no sign for."""

_READABLE = 26.0
"""No column needs more than that to be read, in lines."""

_LABEL = 45.0
_GREY, _RULE = 110, 210

Cells = Sequence[str]


class Sheet(FPDF):
    """A4 with our font, to be laid out by whoever makes it; no page yet."""

    def __init__(self, title: str, landscape: bool = False) -> None:
        super().__init__(orientation="landscape" if landscape else "portrait", format="A4")
        self.add_font(_FONT, fname=str(pylopdf_fonts_zh_cn.sans_path()))
        self.set_auto_page_break(False)
        self.set_title(title)
        self.set_font(_FONT, size=_SIZE)

    def wrapped(self, text: str, width: float, most: int = _MOST_LINES) -> list[str]:
        """The text in lines of that width; the last one ends in “…” where there was more."""
        lines: list[str] = []
        for paragraph in text.translate(_SPACES).splitlines() or [""]:
            line, used = "", 0.0
            for letter in paragraph:
                wide = self.get_string_width(letter)
                if used + wide > width and line:
                    whole, line = _broken(line + letter)
                    lines.append(whole)
                    used = self.get_string_width(line)
                else:
                    line += letter
                    used += wide
            lines.append(line)
            if len(lines) > most:
                return [*lines[: most - 1], f"{lines[most - 1][:-1]}…"]
        return lines

    def put(self, x: float, y: float, width: float, lines: Cells, right: bool) -> None:
        """Lines of a cell whose upper left corner is there."""
        for number, line in enumerate(lines):
            self.set_xy(x, y + number * _LINE)
            self.cell(width, _LINE, line, align="R" if right else "L")


class Paper(Sheet):
    """The title on top, the page's number and the number of pages below."""

    def __init__(self, title: str, note: str, landscape: bool) -> None:
        super().__init__(title, landscape)
        self.set_margins(_MARGIN, _MARGIN)
        self.note = note.translate(_SPACES)
        self.alias_nb_pages()
        self.add_page()
        self.set_font(_FONT, size=_TITLE)
        self.multi_cell(self.epw, 7, title, new_x="LMARGIN", new_y="NEXT")
        self.ln(2)
        self.set_font(_FONT, size=_SIZE)

    def footer(self) -> None:
        """Called by the library at the end of each page."""
        self.set_y(-_MARGIN + 1)
        self.set_font(_FONT, size=_SIZE)
        self.set_text_color(_GREY)
        pages = gettext("Page %(page)s of %(pages)s", page=self.page_no(), pages="{nb}")
        self.cell(self.epw / 2, _LINE, self.note)
        self.cell(self.epw / 2, _LINE, pages, align="R")
        self.set_text_color(0)

    @property
    def lowest(self) -> float:
        """Where a row has to end."""
        return float(self.h - _MARGIN - _LINE)

    def rule(self, y: float) -> None:
        """A thin line across the page."""
        self.set_draw_color(_RULE)
        self.line(_MARGIN, y, self.w - _MARGIN, y)


@dataclass(frozen=True)
class Table:
    """Rows of texts under their heads; `right`: which columns are figures. `title`: what stands above.

    `key`: the column that tells rows apart, repeated where the others go on over further pages.
    """

    heads: Cells
    right: Sequence[bool]
    rows: Sequence[Cells]
    title: str = ""
    key: int = 0


def _broken(line: str) -> tuple[str, str]:
    """A line that is too long by its last letter, in two: at its last space, unless Chinese follows that."""
    cut = max(line.rfind(" "), 0)
    if cut and line[cut:].isascii():
        return line[:cut], line[cut + 1 :]
    return line[:-1], line[-1:]


def write_tables(path: Path, title: str, note: str, tables: Sequence[Table]) -> None:
    """Write tables one below the other: heads are repeated on each page, columns fit the width.

    More columns than are readable side by side go on over the next pages, row by row at the same height.
    """
    paper = Paper(title, note, landscape=True)
    y = paper.get_y()
    for table in tables:
        y = _titled(paper, y, table)
    paper.output(str(path))


def write_record(
    path: Path,
    title: str,
    note: str,
    groups: Iterable[tuple[str, Sequence[tuple[str, str]]]],
    tables: Sequence[Table] = (),
) -> None:
    """Write one record: groups of labels and values, then tables of what belongs to it."""
    paper = Paper(title, note, landscape=False)
    y = paper.get_y()
    for heading, facts in groups:
        y = _room(paper, y + _LINE, 4)
        paper.put(_MARGIN, y, paper.epw, [heading], False)
        y += _LINE + _PAD
        paper.rule(y)
        for label, value in facts:
            y = _fact(paper, y, label, value)
    for table in tables:
        y = _titled(paper, y + _LINE, table)
    paper.output(str(path))


# -- tables ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Block:
    """Columns that stand side by side on a page."""

    columns: Sequence[int]
    widths: Sequence[float]
    caption: str = ""


_Row = list[list[list[str]]]
"""The lines of a row's cells, in each block."""


def _titled(paper: Paper, y: float, table: Table) -> float:
    """The table under its title; gives where it ends."""
    if table.title:
        y = _room(paper, y + _LINE, 6)
        paper.put(_MARGIN, y, paper.epw, [table.title], False)
        y += _LINE + _PAD
    blocks = _blocks(paper, table)
    head = _wrapped(paper, blocks, table.heads)
    some: list[_Row] = []
    caption = _LINE if len(blocks) > 1 else 0.0
    low = y + caption + _height(head)
    for cells in table.rows:
        row = _wrapped(paper, blocks, cells)
        if low + _height(row) > paper.lowest:
            _pages(paper, y, table, blocks, [head, *some])
            paper.add_page()
            y, some = float(paper.t_margin), []
            low = y + caption + _height(head)
        some.append(row)
        low += _height(row)
    return _pages(paper, y, table, blocks, [head, *some])


def _pages(
    paper: Paper, y: float, table: Table, blocks: Sequence[_Block], rows: Sequence[_Row]
) -> float:
    """A page's rows, each block on a page of its own; gives where the last one ends."""
    for number, block in enumerate(blocks):
        if number:
            paper.add_page()
            y = float(paper.t_margin)
        paper.set_font(_FONT, size=_SIZE)
        paper.set_text_color(_GREY)
        if block.caption:
            paper.put(_MARGIN, y, paper.epw, [block.caption], True)
            y += _LINE
        for row in rows:  # the first is the head
            height, x = _height(row), float(_MARGIN)
            for column, lines, width in zip(block.columns, row[number], block.widths, strict=True):
                inside = width - 2 * _PAD
                paper.put(x + _PAD, y + _PAD, inside, lines, table.right[column])
                x += width
            y += height
            paper.rule(y)
            paper.set_text_color(0)
    return y


def _wrapped(paper: Paper, blocks: Sequence[_Block], cells: Cells) -> _Row:
    return [
        [
            paper.wrapped(cells[column], width - 2 * _PAD)
            for column, width in zip(block.columns, block.widths, strict=True)
        ]
        for block in blocks
    ]


def _height(row: _Row) -> float:
    """The same in every block, so that the pages can be laid side by side."""
    return max(len(lines) for block in row for lines in block) * _LINE + 2 * _PAD


def _blocks(paper: Paper, table: Table) -> list[_Block]:
    """Columns shared out over as many pages as they need to be readable; the key on each."""
    wanted = _wanted(paper, table)
    least = [min(width, _least(paper, table, at)) for at, width in enumerate(wanted)]
    readable = [max(min(w, _READABLE), narrow) for w, narrow in zip(wanted, least, strict=True)]
    shared: list[list[int]] = [[]]
    for column, width in enumerate(readable):
        used = sum(readable[c] for c in shared[-1])
        if shared[-1] and used + width > paper.epw:
            shared.append([table.key])
        if column != table.key or len(shared) == 1:
            shared[-1].append(column)
    if len(shared) > 1 and shared[-1] == [table.key]:
        shared.pop()
    return [
        _Block(
            columns,
            _widths(paper, [wanted[c] for c in columns], [least[c] for c in columns]),
            caption,
        )
        for columns, caption in zip(shared, _captions(shared, table), strict=True)
    ]


def _captions(shared: Sequence[Sequence[int]], table: Table) -> list[str]:
    """Which of the columns stand here; nothing where all do."""
    if len(shared) == 1:
        return [""]
    return [
        gettext(
            "Columns %(first)s to %(last)s of %(all)s",
            first=min(c for c in columns if not number or c != table.key) + 1,
            last=max(columns) + 1,
            all=len(table.heads),
        )
        for number, columns in enumerate(shared)
    ]


# -- records ---------------------------------------------------------------------------------


def _fact(paper: Paper, y: float, label: str, value: str) -> float:
    """A label and its value, which may go on over the page; gives where they end."""
    beside = paper.wrapped(label, _LABEL - _PAD)
    lines = paper.wrapped(value, paper.epw - _LABEL - _PAD, 1000)
    while lines:
        y = _room(paper, y + _PAD, min(len(lines), 2))
        fitting = max(1, int((paper.lowest - y) / _LINE))
        part, lines = lines[:fitting], lines[fitting:]
        paper.set_text_color(_GREY)
        paper.put(_MARGIN, y, _LABEL, beside, False)
        paper.set_text_color(0)
        paper.put(_MARGIN + _LABEL, y, paper.epw - _LABEL, part, False)
        y += max(len(part), len(beside)) * _LINE
        beside = []
    return y


def _room(paper: Paper, y: float, lines: int) -> float:
    """There, or at the top of a new page where so many lines would not fit."""
    if y + lines * _LINE <= paper.lowest:
        return y
    paper.add_page()
    paper.set_font(_FONT, size=_SIZE)
    return float(paper.t_margin)


def _wanted(paper: Paper, table: Table) -> list[float]:
    """As wide as the head and the first rows need."""
    sample = [table.heads, *table.rows[:100]]
    return [
        max(
            min(max(paper.get_string_width(row[at]) for row in sample) + 2 * _PAD + 1, _WIDEST),
            _NARROWEST,
        )
        for at in range(len(table.heads))
    ]


def _least(paper: Paper, table: Table, at: int) -> float:
    """So wide that no word or figure has to be broken, within reason."""
    sample = [table.heads, *table.rows[:100]]
    words = {word for row in sample for word in _UNBROKEN.findall(row[at])}
    widest = max(map(paper.get_string_width, words), default=0.0)
    return max(min(widest + 2 * _PAD + 1, _MOST_UNBROKEN), _NARROWEST)


def _widths(paper: Paper, wanted: Sequence[float], least: Sequence[float]) -> list[float]:
    """Made to fit the page, those giving way that can."""
    over = sum(wanted) - paper.epw
    spare = sum(wanted) - sum(least)
    if over <= 0 or spare <= 0:
        return [width * paper.epw / sum(wanted) for width in wanted]
    share = min(1.0, over / spare)
    widths = [w - (w - narrow) * share for w, narrow in zip(wanted, least, strict=True)]
    return [width * min(1.0, paper.epw / sum(widths)) for width in widths]
