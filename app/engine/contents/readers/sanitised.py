"""HTML out of strangers' files, with nothing left in it that acts, loads or looks like ours."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt

CHARACTERS = 200_000
"""Of a text so much is shown in the preview."""

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "div", "dl",
    "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "li", "ol", "p", "pre", "q", "s",
    "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_ATTRIBUTES = {"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "ol": {"start"}}
_WITH_CONTENT = {
    "script",
    "style",
    "title",
    "template",
    "noscript",
    "iframe",
    "object",
    "svg",
    "math",
}


def sanitised(html: str) -> str:
    """Without scripts, styles, pictures, forms and links: a link's words stay, and lead nowhere."""
    return nh3.clean(
        html[:CHARACTERS],
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_WITH_CONTENT,
        link_rel=None,
    )


def from_markdown(text: str) -> str:
    """Markdown as HTML; HTML inside it is shown as it is typed."""
    return sanitised(MarkdownIt("js-default").render(text))
