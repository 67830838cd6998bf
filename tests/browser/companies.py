"""The list of companies that the main job brings in: the real one beside the checkout, else one made here."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from tests.sample_data import sample

REAL = sample("listed_companies.csv")
COLUMNS = ("ts_code", "symbol", "name", "area", "industry", "cnspell", "market", "list_date",
           "act_name", "act_ent_type")  # fmt: skip
MADE_ROWS = 1200


@dataclass(frozen=True)
class Companies:
    """A file, how many rows it has, and the rows themselves."""

    file: Path
    rows: list[dict[str, str]]

    def matching(self, **wanted: str) -> list[dict[str, str]]:
        """The rows that have these values."""
        return [row for row in self.rows if wanted.items() <= row.items()]


def companies(folder: Path) -> Companies:
    """The real file where it is, so that its odd rows are tried; a made one elsewhere."""
    file = REAL
    if not file.exists():
        file = folder / "listed_companies.csv"
        _make(file)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return Companies(file, list(csv.DictReader(lines)))


def _make(file: Path) -> None:
    """A small file of the same shape: empty cells, a city among the provinces, a full-width letter."""
    known = [
        ("002654.SZ", "万润科技", "深圳", "互联网", "WRKJ"),
        ("920564.BJ", "天润科技", "陕西", "软件服务", "TRKJ"),
        ("000002.SZ", "万科Ａ", "深圳", "全国地产", "WKA"),
        ("000003.SZ", "无业公司", "", "", "WYGS"),
    ]
    made = [
        (f"{600000 + number}.SH", f"样本公司{number:03}", "浙江", "化工原料", "YBGS")
        for number in range(MADE_ROWS - len(known))
    ]
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for code, name, area, industry, spelling in known + made:
            writer.writerow([code, code[:6], name, area, industry, spelling, "主板", "20200102", "无", "民营企业"])  # fmt: skip
