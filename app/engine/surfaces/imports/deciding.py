"""What the user's forms say about an import, put together with what was decided before."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.surfaces.imports.models import LEAVE_EMPTY, MODES, NEAR, ImportRun, Options

REFUSE = "!"
"""A form's answer for a word: leave its rows refused."""


def decided(run: ImportRun, form: Mapping[str, str]) -> Options:
    """The options with what the form says: columns, key, mode, choices, review, all or nothing."""
    known = run.decided
    mapping, key = dict(known.mapping), known.key
    if "columns" in form:
        mapping = {
            column: form[f"column-{index}"]
            for index, column in enumerate(run.columns or [])
            if form.get(f"column-{index}")
        }
        key = form.get("key") or None
        if key is not None and key not in mapping.values():
            key = None
    return Options(
        **{
            **known.as_json(),
            "mapping": mapping,
            "key": key,
            "mode": _one_of(MODES, form.get("mode"), known.mode),
            "near": _one_of(NEAR, form.get("near"), known.near),
            "choices": decided_choices(run, form),
            "approved": form.get("approved") == "1" if "approved" in form else known.approved,
            "all_or_nothing": form.get("all_or_nothing") == "1"
            if "columns" in form
            else known.all_or_nothing,
        }
    )


def _one_of(answers: tuple[str, ...], answer: str | None, known: str) -> str:
    return answer if answer in answers else known


def decided_choices(run: ImportRun, form: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Field → word → what the user decided for it, with what was decided before."""
    decided = {name: dict(words) for name, words in run.decided.choices.items()}
    for name, words in (run.plan or {}).get("unknown", {}).items():
        rest = form.get(f"choice-{name}-rest", REFUSE)
        for index, (word, _count) in enumerate(words):
            answer = form.get(f"choice-{name}-{index}", REFUSE)
            answer = rest if answer == REFUSE else answer
            if answer != REFUSE:
                decided.setdefault(name, {})[word] = LEAVE_EMPTY if answer == "-" else answer
    return decided
