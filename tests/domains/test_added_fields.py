"""Adding a field to any entity of any area: one line, and a migration that is generated."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("app", "jobs", "seeds", "translations", "config.py", "run.py")
LINE = '    added_here = Text(_("Notes"), max_length=40)'


def entities(source: str) -> list[ast.ClassDef]:
    """The entities that a file of an area declares."""
    return [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Entity" for base in node.bases)
    ]


def add_a_line_to_each(folder: Path) -> set[str]:
    """The names of the entities that have one line more now."""
    changed = set()
    for path in sorted(folder.rglob("*.py")):
        lines = path.read_text("utf-8").splitlines()
        for node in reversed(entities("\n".join(lines))):
            lines.insert(node.body[0].end_lineno or 0, LINE)  # after what it is
            changed.add(node.name)
        if changed and "from app.engine.fields import" in "\n".join(lines):
            place = next(
                n for n, line in enumerate(lines) if line.startswith("from app.engine.fields")
            )
            lines.insert(place, "from app.engine.fields import Text")
        path.write_text("\n".join(lines) + "\n", "utf-8")
    return changed


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The program alone, as a developer has it before them."""
    ignored = shutil.ignore_patterns("static", "__pycache__", "node_modules")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tmp_path / part, ignore=ignored)
        else:
            shutil.copy(source, tmp_path / part)
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    """`run.py` there, on a database of its own."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    done = subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=folder,
        env={**environment, "DATA_DIR": str(folder / "data"), "DEMO": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.once
def test_one_line_and_a_generated_migration_add_a_field_to_each_entity(copy: Path) -> None:
    run(copy, "migrate")
    before = set((copy / "app/migrations/versions").glob("*.py"))
    names = add_a_line_to_each(copy / "app/domains")
    assert {"Customer", "Order", "Task"} <= names
    run(copy, "migrate", "--generate", "one more field each")
    (made,) = set((copy / "app/migrations/versions").glob("*.py")) - before
    text = made.read_text("utf-8").partition("def downgrade")[0]
    added = re.findall(
        r"batch_alter_table\([\"'](\w+)[\"'].*?add_column\(sa.Column\([\"'](\w+)", text, re.DOTALL
    )
    assert len(added) == len(names)
    assert {column for _table, column in added} == {"added_here"}
    assert "drop_" not in text
    run(copy, "migrate")
    listed = json.loads(run(copy, "entities", "--json"))
    assert {e["name"] for e in listed if "added_here" in e["fields"]} == names
