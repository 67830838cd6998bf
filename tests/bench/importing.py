"""An import beside the database's own bulk load of the same rows into a table indexed alike.

`python -m tests.bench.importing FILE` with DATABASE_URL and DATA_DIR imports in a process of its
own and prints its speed and memory as JSON.
"""

from __future__ import annotations

import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from subprocess import PIPE
from typing import Any

from sqlalchemy import make_url
from stdnum.cn import uscc

from seeds.demo import customers as demo
from seeds.demo import words as demo_words
from tests.bench.client import Failed
from tests.bench.filling import Database, _application, database, make_anew
from tests.bench.measuring import own_memory
from tests.bench.report import Line
from tests.bench.serving import ROOT, run

ROWS = 100_000
NAME = "import of 100,000 rows, to bulk load"
MEMORY = "import, memory above idle"
LEAST_SPEED = 0.15
MOST_MEMORY = 250
"""MB above what the process has before."""

TIMES = 3
HEADER = (
    "客户名称", "简称", "统一社会信用代码", "外部编号", "客户类型", "行业", "所有制", "实际控制人",
    "城市", "地址", "电话", "邮箱", "网址", "生命周期", "年采购额", "首次合作日期", "标签", "备注",
)  # fmt: skip
_STATES = ("潜在", "新客户", "活跃", "沉睡", "流失")


def lines(folder: Path, given: str, only: str) -> list[Line]:
    """Speed and memory of an import, of those lines whose name holds `only`. Raises Failed."""
    if only not in NAME and only not in MEMORY:
        return []
    print(f"  {NAME} …", file=sys.stderr)
    place = database("steward_bench_import", folder, given)
    make_anew(place)
    run(["run.py", "migrate"], place.settings)
    run(["run.py", "seed"], place.settings)
    found = _imported(place, _file(place))
    speed = _bulk_load(place)
    ours = ROWS / found["seconds"]
    both = [
        Line(NAME, ours, speed, "1/s", ours / speed, LEAST_SPEED, at_least=True),
        Line(MEMORY, found["megabytes"], None, "MB", found["megabytes"], MOST_MEMORY),
    ]
    make_anew(place)
    return [line for line in both if only in line.name]


def _imported(place: Database, path: Path) -> dict[str, Any]:
    environment = {**os.environ, **place.settings, "PYTHONPATH": str(ROOT)}
    asked = [sys.executable, "-m", "tests.bench.importing", str(path)]
    with tempfile.TemporaryFile("w+") as errors, subprocess.Popen(
        asked, env=environment, stdin=PIPE, stdout=PIPE, stderr=errors, text=True
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
        idle = peak = own_memory(process.pid)
        process.stdin.write("go\n")
        process.stdin.flush()
        while process.poll() is None:
            peak = max(peak, own_memory(process.pid))
            time.sleep(0.05)
        answer = process.stdout.read()
        if process.returncode:
            errors.seek(0)
            raise Failed(f"import: {errors.read()[-400:]}")
    found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    if found["new"] != ROWS:
        raise Failed(f"import: {found['new']} of {ROWS} rows came in")
    return {**found, "megabytes": (peak - idle) / 1_000_000}


def _file(place: Database) -> Path:
    """Companies as a Chinese office lists them: every name and code once, values as people type."""
    from app.engine import registry

    path = place.folder / "rows.csv"
    dice = random.Random(5)
    with _application(place).app_context(), path.open("w", encoding="utf-8", newline="") as file:
        lists = registry.current().lists
        cities, industries = (list(lists[name].options) for name in ("city", "industry"))
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(ROWS):
            writer.writerow(_row(dice, number, dice.choice(cities), dice.choice(industries)))
    return path


def _row(dice: random.Random, number: int, city: Any, industry: Any) -> list[str]:
    letters = "".join(demo_words.BRANDS.split())
    brand = "".join(dice.choice(letters) for _place in range(6))
    code = f"91440300{number:09d}"
    year, month, day = dice.randrange(2010, 2026), dice.randrange(1, 13), dice.randrange(1, 29)
    amount = dice.choice(("¥1,234.50", "12.5万", "8000", str(dice.randrange(10**7) / 100)))
    return [
        f"{city.label.zh}{brand}{dice.choice(demo_words.TRADES)[0]}有限公司", brand,
        code + uscc.calc_check_digit(code), f"B{number:07d}", "企业", industry.label.zh, "",
        demo._person(dice), city.label.zh, demo._address(dice), f"0755-{number:08d}",
        f"office{number}@x{number % 977}.example", f"https://www.x{number % 977}.example",
        dice.choice(_STATES), amount,
        dice.choice((f"{year}年{month}月{day}日", f"{year}-{month:02}-{day:02}")),
        dice.choice(("", "重点", "重点,老客户")), dice.choice(demo_words.NOTES),
    ]  # fmt: skip


def _bulk_load(place: Database) -> float:
    """Rows a second of the database's own quickest way, the median of a few times."""
    engine = place.engine()
    held = engine.raw_connection()
    load = _by_copy if engine.dialect.name == "postgresql" else _by_executemany
    try:
        return statistics.median(load(held.driver_connection) for _time in range(TIMES))
    finally:
        held.close()
        engine.dispose()


def _by_copy(connection: Any) -> float:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bulk")
        cursor.execute("CREATE TABLE bulk (LIKE customer INCLUDING ALL)")
        connection.commit()
        with cursor.copy("COPY customer TO STDOUT") as out:
            rows = b"".join(bytes(part) for part in out)
        began = time.perf_counter()
        with cursor.copy("COPY bulk FROM STDIN") as into:
            into.write(rows)
        connection.commit()
        return ROWS / (time.perf_counter() - began)


def _by_executemany(connection: Any) -> float:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("DROP TABLE IF EXISTS bulk")
    made = connection.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'customer' AND sql IS NOT NULL"
        " ORDER BY type DESC"
    ).fetchall()
    for (statement,) in made:
        for old, new in (
            ("CREATE TABLE customer", "CREATE TABLE bulk"), (" ON customer", " ON bulk"),
            ("INDEX ix_", "INDEX bulk_ix_"), ("INDEX uq_", "INDEX bulk_uq_"),
        ):  # fmt: skip
            statement = statement.replace(old, new)
        connection.execute(statement)
    rows = connection.execute("SELECT * FROM customer").fetchall()
    asked = f"INSERT INTO bulk VALUES ({','.join('?' * len(rows[0]))})"
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(asked, rows)
    connection.execute("COMMIT")
    return ROWS / (time.perf_counter() - began)


def main(path: Path) -> None:
    """Import the file and print how that went."""
    from app.engine import policy
    from app.engine.search import load_dictionary
    from app.engine.surfaces.imports import command

    url = make_url(os.environ["DATABASE_URL"])
    app = _application(Database("", url, Path(os.environ["DATA_DIR"])))
    load_dictionary()
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    with app.app_context(), policy.acting_as(policy.SYSTEM_VIEWER):
        report = command("Customer", path, make_choices=False, near="leave")
    seconds = time.perf_counter() - began
    print(json.dumps({"new": report.counts["new"], "seconds": seconds}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
