"""What holds for every template, script and style: the content policy, and that what they name exists."""

from __future__ import annotations

import json
import re

import pytest

from config import ROOT

TEMPLATES = sorted((ROOT / "app" / "templates").rglob("*.html"))
PACKAGE = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["steward"]
BY_ITS_HASH = ROOT / "app" / "templates" / "previews" / "text.html"
"""Stands in a sandbox that may load nothing, under a policy of its own that names its style's hash."""

COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


def markup(path):
    return COMMENT.sub("", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_that_the_content_policy_blocks(path):
    text = markup(path)
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"<[^>]*\son\w+\s*=", text)
    assert "<style" not in text or path == BY_ITS_HASH
    assert not re.search(r'(src|href|action)="(https?:)?//', text)
    for script in re.findall(r"<script[^>]*>", text):
        assert "src=" in script or 'type="application/json"' in script


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_icon_named_is_in_the_sprite(path):
    text = markup(path)
    calls = re.findall(r"""icon(?:_name)?(?:=|\()\s*["']([a-z0-9-]+)["']""", text)
    assert set(calls) <= set(PACKAGE["icons"])


def test_every_entitys_icon_is_in_the_sprite(app):
    from app.engine import registry

    icons = {definition.icon for definition in registry.current().entities.values()}
    assert icons <= set(PACKAGE["icons"])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_file_asked_for_exists(path):
    vendored = {f"vendor/{target}" for _source, target in PACKAGE["vendor"]} | {"vendor/icons.svg"}
    for name in re.findall(r"asset\(['\"]([^'\"]+)['\"]\)", markup(path)):
        assert name in vendored or (ROOT / "app" / "static" / name).is_file(), name


def test_every_template_compiles(app):
    for path in TEMPLATES:
        app.jinja_env.get_template(str(path.relative_to(ROOT / "app" / "templates")))
