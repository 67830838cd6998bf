"""What the user's forms say about an import, put together with what was decided before."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.registry import current
from app.engine.surfaces.imports.cells import implied
from app.engine.surfaces.imports.columns import importable, propose
from app.engine.surfaces.imports.models import LEAVE_EMPTY, MODES, NEAR, ImportRun, Options

REFUSE = "!"
"""A form's answer for a word: leave its rows refused."""


BY_NAME = "1"
"""A form's answer for a reference: make what is missing of the name alone; else the field's name."""


def decided(run: ImportRun, form: Mapping[str, str]) -> Options:
    """The options with what the form says: columns, key, mode, choices, review, all or nothing."""
    known = run.decided
    mapping, key, left_out = dict(known.mapping), known.key, list(known.left_out)
    if "columns" in form:
        mapping = {
            column: form[f"column-{index}"]
            for index, column in enumerate(run.columns or [])
            if form.get(f"column-{index}")
        }
        key = form.get("key") or None
        if key is not None and key not in mapping.values():
            key = None
        left_out = _left_out(run, mapping)
    return Options(
        **{
            **known.as_json(),
            "mapping": mapping,
            "left_out": left_out,
            "key": key,
            "mode": _one_of(MODES, form.get("mode"), known.mode),
            "near": _one_of(NEAR, form.get("near"), known.near),
            "choices": decided_choices(run, form),
            "make": _make(run, known, mapping, form),
            "approved": form.get("approved") == "1" if "approved" in form else known.approved,
            "all_or_nothing": form.get("all_or_nothing") == "1"
            if "columns" in form
            else known.all_or_nothing,
        }
    )


def _left_out(run: ImportRun, mapping: Mapping[str, str]) -> list[str]:
    """The columns that would have been taken by their names."""
    proposed = propose(run.columns or [], importable(current().entity(run.entity)))
    return [column for column in proposed if column not in mapping]


def _make(
    run: ImportRun, known: Options, mapping: Mapping[str, str], form: Mapping[str, str]
) -> list[str]:
    """The references whose missing records are to be made."""
    mapped = set(mapping.values())
    names = [*mapping.values(), *implied(current().entity(run.entity), mapped)]
    said = {name: form.get(f"make-{name}") for name in names}
    ticked = {name: name if by == BY_NAME else f"{name}:{by}" for name, by in said.items() if by}
    if "columns" in form:
        return list(ticked.values())
    return [*(one for one in known.make if one.partition(":")[0] not in ticked), *ticked.values()]


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
