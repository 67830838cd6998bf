"""PDF pages: a table that fits the page's width, or one record; the Chinese font goes along.

Paper is for reading: texts are as people read them, long ones cut, nothing is meant to come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
_LABEL = 45.0
_GREY, _RULE = 110, 210

Cells = Sequence[str]


class Paper(FPDF):
    """A4 with our font; the title on top, the page's number and the number of pages below."""

    def __init__(self, title: str, note: str, landscape: bool) -> None:
        super().__init__(orientation="landscape" if landscape else "portrait", format="A4")
        self.add_font(_FONT, fname=str(pylopdf_fonts_zh_cn.sans_path()))
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(False)
        self.set_title(title)
        self.note = note
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

    def wrapped(self, text: str, width: float, most: int = _MOST_LINES) -> list[str]:
        """The text in lines of that width; the last one ends in “…” where there was more."""
        lines: list[str] = []
        for paragraph in text.splitlines() or [""]:
            line, used = "", 0.0
            for letter in paragraph:
                wide = self.get_string_width(letter)
                if used + wide > width and line:
                    lines.append(line)
                    line, used = "", 0.0
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

    def rule(self, y: float) -> None:
        """A thin line across the page."""
        self.set_draw_color(_RULE)
        self.line(_MARGIN, y, self.w - _MARGIN, y)


def write_table(
    path: Path, title: str, note: str, heads: Cells, right: Sequence[bool], rows: Sequence[Cells]
) -> None:
    """Write a table: its head is repeated on each page, its columns fit the width."""
    paper = Paper(title, note, landscape=True)
    widths = _widths(paper, heads, rows)

    def row(cells: Cells, y: float) -> float:
        lines = [
            paper.wrapped(text, width - 2 * _PAD) for text, width in zip(cells, widths, strict=True)
        ]
        height = max(map(len, lines)) * _LINE + 2 * _PAD
        if y + height > paper.lowest:
            paper.add_page()
            y = head(paper.t_margin)
        x = float(_MARGIN)
        for texts, width, numeric in zip(lines, widths, right, strict=True):
            paper.put(x + _PAD, y + _PAD, width - 2 * _PAD, texts, numeric)
            x += width
        paper.rule(y + height)
        return y + height

    def head(y: float) -> float:
        paper.set_font(_FONT, size=_SIZE)
        paper.set_text_color(_GREY)
        y = row(heads, y)
        paper.set_text_color(0)
        return y

    y = head(paper.get_y())
    for cells in rows:
        y = row(cells, y)
    paper.output(str(path))


def write_record(
    path: Path, title: str, note: str, groups: Iterable[tuple[str, Sequence[tuple[str, str]]]]
) -> None:
    """Write one record: groups of labels and values."""
    paper = Paper(title, note, landscape=False)
    y = paper.get_y()
    for heading, facts in groups:
        y = _room(paper, y + _LINE, 4)
        paper.put(_MARGIN, y, paper.epw, [heading], False)
        y += _LINE + _PAD
        paper.rule(y)
        for label, value in facts:
            y = _fact(paper, y, label, value)
    paper.output(str(path))


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


def _widths(paper: Paper, heads: Cells, rows: Sequence[Cells]) -> list[float]:
    """As wide as the first rows need; made to fit the page, the widest giving way."""
    sample = [heads, *rows[:100]]
    wanted = [
        min(max(paper.get_string_width(row[at]) for row in sample) + 2 * _PAD + 1, _WIDEST)
        for at in range(len(heads))
    ]
    least = min(_NARROWEST, paper.epw / len(heads))
    widths = [max(width, least) for width in wanted]
    over = sum(widths) - paper.epw
    spare = sum(width - least for width in widths)
    if over > 0 and spare > 0:
        share = min(1.0, over / spare)
        return [width - (width - least) * share for width in widths]
    return [width * paper.epw / sum(widths) for width in widths]
