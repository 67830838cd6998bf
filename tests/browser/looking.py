"""What is looked for on every page: overflow, words in the wrong language, what assistive technology would stumble over."""

from __future__ import annotations

import functools
import re
from typing import Any

from playwright.sync_api import Page

from config import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")

USER_DATA = (
    "td, dd, code, kbd, option, textarea, .secret, .chip, .person, .user-card, .page-head-title, .crumbs, .plain-list a, "
    ".board-card-head, "
    "[lang='en'], .brand-word"
)
"""Where records, files and people are shown under the names that they have; not looked at for English."""

NAMES = re.compile(
    r"\b(CSV|TSV|XLSX|XLS|ODS|MB|API|SHA-256|UTF-8|GB18030|GBK|Steward|OpenAPI|REST|ID)\b"
)
"""Names of formats and of things that Chinese texts call the same."""

ENGLISH = re.compile(r"[A-Za-z][a-z’']*(?:[ ,]+[A-Za-z][a-z’']*){2,}")
"""Three Latin words in a row."""

TEXTS = """userData => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (!parent.closest("script, style, template, noscript") && !parent.closest(userData))
            found.push(walker.currentNode.textContent);
    }
    for (const one of document.querySelectorAll("[title], [aria-label], [placeholder], [data-confirm]"))
        if (!one.closest(userData))
            for (const name of ["title", "aria-label", "placeholder", "data-confirm"])
                found.push(one.getAttribute(name) || "");
    return found.map(text => text.trim()).filter(Boolean);
}"""

OVERFLOW = """() => {
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide) return [];
    const beyond = [...document.body.querySelectorAll("*")].filter(one =>
        one.getBoundingClientRect().right > wide + 1 && !one.closest(".table-frame, .tabs, .sidebar"));
    return beyond.slice(0, 3).map(one => one.outerHTML.slice(0, 120)).concat(["wider than the screen"]);
}"""

RUN_AXE = """async tags => {
    const result = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return result.violations.map(one => ({ id: one.id, impact: one.impact,
        nodes: one.nodes.slice(0, 3).map(node => node.html.slice(0, 160) + " " + (node.any[0] || {}).message) }));
}"""
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def english_on(page: Page) -> list[str]:
    """Texts of the page with three Latin words in a row, outside what people have written."""
    texts = page.evaluate(TEXTS, USER_DATA)
    return sorted({text for text in texts if ENGLISH.search(NAMES.sub(" ", text))})


def overflow_of(page: Page) -> list[str]:
    """What makes the page wider than its window; empty when nothing does."""
    found: list[str] = page.evaluate(OVERFLOW)
    return found


def obstacles_on(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds that is serious or critical."""
    page.evaluate(_axe())
    return [one for one in page.evaluate(RUN_AXE, STANDARDS) if one["impact"] in GRAVE]


@functools.cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")
