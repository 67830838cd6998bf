"""The house's lines: who may import whom, and what may be named where."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "app" / "engine"
DOMAINS = ROOT / "app" / "domains"
VOCABULARY = {
    "actions", "agenda", "areas", "charts", "choices", "deadlines", "derived", "entity", "errors",
    "events", "fields", "graphs", "holds", "job", "labels", "office", "onward", "registry", "remarks",
    "rules", "states", "working_days", "working_time",
}  # fmt: skip
MECHANISMS = {"policy", "changes", "search", "query"}
VOCABULARY |= {"archives", "links", "figures", "job"}


def modules(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that the file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def offenders(folder: Path, *patterns: str) -> list[str]:
    rule = re.compile("|".join(patterns))
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(folder)
        for name in sorted(imports(path))
        if rule.match(name)
    ]


def test_the_engine_knows_no_domain_and_nothing_above_it() -> None:
    assert not offenders(
        ENGINE, r"app\.domains", r"jobs(\.|$)", r"seeds(\.|$)", r"tests(\.|$)", r"run$", r"app$"
    )


def test_domains_know_nothing_above_them() -> None:
    assert not offenders(DOMAINS, r"jobs(\.|$)", r"seeds(\.|$)", r"tests(\.|$)", r"run$")


def test_no_domain_imports_another() -> None:
    wrong = []
    for path in modules(DOMAINS):
        own = path.relative_to(DOMAINS).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        wrong += [
            f"{path.relative_to(ROOT)} imports {name}"
            for name in imports(path)
            if name.startswith("app.domains.") and name.split(".")[2] != own
        ]
    assert not wrong


def test_domains_use_the_vocabulary_only() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(DOMAINS)
        for name in imports(path)
        if name.startswith("app.engine.") and name.split(".")[2] not in VOCABULARY
    ]
    assert not wrong


def test_domains_hold_no_sql_no_html_and_no_flask_appbuilder() -> None:
    assert not offenders(DOMAINS, r"flask_appbuilder", r"markupsafe", r"flask$")
    sql = re.compile(r"[\"'](SELECT|INSERT|UPDATE|DELETE) ", re.IGNORECASE)
    html = re.compile(r"[\"']<[a-z]+[ >]")
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules(DOMAINS)
        if sql.search(path.read_text()) or html.search(path.read_text())
    ]
    assert not wrong


def test_no_surface_imports_another() -> None:
    wrong = []
    surfaces = ENGINE / "surfaces"
    for path in modules(surfaces):
        own = path.relative_to(surfaces).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        wrong += [
            f"{path.relative_to(ROOT)} imports {name}"
            for name in imports(path)
            if name.startswith("app.engine.surfaces.") and name.split(".")[3] != own
        ]
    assert not wrong


@pytest.mark.parametrize("name", sorted(VOCABULARY | MECHANISMS))
def test_lower_floors_know_no_surface(name: str) -> None:
    places = [ENGINE / name] if (ENGINE / name).is_dir() else [ENGINE]
    wrong = [
        f"{path.relative_to(ROOT)} imports {imported}"
        for place in places
        for path in (modules(place) if place != ENGINE else [ENGINE / f"{name}.py"])
        for imported in imports(path)
        if imported.startswith("app.engine.surfaces")
    ]
    assert not wrong


def test_only_adapters_know_the_insides_of_flask_appbuilder() -> None:
    allowed = {
        ENGINE / "adapters" / "database.py", ENGINE / "people.py",
        ENGINE / "adapters" / "setup_state.py",
    }  # fmt: skip
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules(ROOT / "app")
        if path not in allowed
        and ENGINE / "adapters" / "appbuilder" not in path.parents
        and any(name.startswith("flask_appbuilder") for name in imports(path))
    ]
    assert not wrong


def test_only_the_write_path_touches_tables_past_the_policy() -> None:
    """`__table__` and the internal execution option are for the write path and the registry."""
    allowed = {"changes", "policy"}
    wrong = [
        str(path.relative_to(ROOT))
        for folder in (ROOT / "app", ROOT / "jobs", ROOT / "seeds")
        for path in modules(folder)
        if ("__table__" in path.read_text() or "policy.INTERNAL" in path.read_text())
        and path.relative_to(ROOT).parts[2:3] not in [(name,) for name in allowed]
        and path.relative_to(ROOT).parts[:3] != ("app", "migrations", "versions")
    ]
    assert not wrong


def test_surfaces_read_by_the_query_mechanism() -> None:
    """A surface builds no statement on an entity's model: it would have to remember field rights."""
    rule = re.compile(r"select\((definition|self\.definition)?\.?model")
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules(ENGINE / "surfaces")
        if rule.search(path.read_text())
    ]
    assert not wrong


def test_the_engine_knows_no_business_noun() -> None:
    nouns = re.compile(r"\b(customer|ticket|invoice|complaint)s?\b", re.IGNORECASE)
    wrong = []
    for path in modules(ENGINE):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            name = getattr(node, "name", None) or getattr(node, "id", None)
            if isinstance(name, str) and nouns.search(name.replace("_", " ")):
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert not wrong


def test_no_exception_is_swallowed() -> None:
    wrong = []
    for folder in ("app", "jobs", "seeds"):
        for path in modules(ROOT / folder):
            wrong += [
                f"{path.relative_to(ROOT)}:{node.lineno}"
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.ExceptHandler)
                and (
                    node.type is None
                    or (len(node.body) == 1 and isinstance(node.body[0], ast.Pass))
                )
            ]
    assert not wrong
