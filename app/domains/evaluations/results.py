"""What the answers of a survey come to.

NPS is the per cent of promoters (9, 10) less that of detractors (0 to 6), after Reichheld, Harvard
Business Review 12/2003. Its 95 % interval is the adjusted Wald interval of the multinomial difference:
with three answers added (¾ promoters, ¾ detractors), n' = n + 3 and NPS' of those,
NPS' ± 1.96 · √((p' + d' − (p' − d')²) / n'), after Rocks, The American Statistician 70 (2016), which
holds for small numbers where the plain one does not. CSAT is the per cent of 4 and 5.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import case, func, select

from app.engine import figures
from app.engine.onward import note
from app.engine.registry import current

Z95 = 1.959964
PROMOTER, PASSIVE, SATISFIED = 9, 7, 4


def nps(promoters: int, passives: int, detractors: int) -> tuple[Decimal, Decimal, Decimal] | None:
    """NPS and its 95 % interval, in points from −100 to 100; None without answers."""
    count = promoters + passives + detractors
    if not count:
        return None
    exact = Decimal(100 * (promoters - detractors)) / count
    n = count + 3
    p, d = (promoters + 0.75) / n, (detractors + 0.75) / n
    half = Z95 * math.sqrt((p + d - (p - d) ** 2) / n)
    low, high = 100 * max(-1.0, p - d - half), 100 * min(1.0, p - d + half)
    # The added answers pull towards 0: what was counted lies inside all the same.
    return _point(exact), min(_point(low), _point(exact)), max(_point(high), _point(exact))


def percent(part: int, whole: int) -> Decimal | None:
    """To one place; None of nothing."""
    return _point(Decimal(100 * part) / whole) if whole else None


def work_out(changes: Any, survey_id: int) -> None:
    """Write what it comes to into the survey's record."""
    made, asked = figures.Source("SurveyAnswer"), figures.Source("SurveyInvitation")

    def number(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    score, nps_, csat = made["score"], made["kind"] == "nps", made["kind"] == "csat"
    scored = score.is_not(None)
    statement = select(
        number(nps_ & (score >= PROMOTER)),
        number(nps_ & (score >= PASSIVE) & (score < PROMOTER)),
        number(nps_ & (score < PASSIVE)),
        number(csat & (score >= SATISFIED)),
        number(csat & scored),
    ).where(made["survey"] == survey_id, made.live)
    ((promoters, passives, detractors, satisfied, rated),) = figures.looked_up(changes, statement)
    statement = select(
        number(asked["sent_at"].is_not(None)), number(asked["answered_at"].is_not(None))
    ).where(asked["survey"] == survey_id, asked.live)
    ((invited, answered),) = figures.looked_up(changes, statement)
    found = nps(int(promoters), int(passives), int(detractors))
    point, low, high = found if found is not None else (None, None, None)
    survey = changes.session.get(current().entity("Survey").model, survey_id)
    note(changes, "Survey", survey, {
        "invited": int(invited), "answers": int(answered),
        "response_rate": percent(int(answered), int(invited)),
        "nps": point, "nps_low": low, "nps_high": high,
        "promoters": int(promoters), "passives": int(passives), "detractors": int(detractors),
        "csat": percent(int(satisfied), int(rated)),
    })  # fmt: skip


def hold(changes: Any, survey_id: int) -> None:
    """Of two who answer at once, one counts after the other."""
    model: Any = current().entity("Survey").model
    changes.session.scalar(
        select(model)
        .where(model.id == survey_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _point(value: Decimal | float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.1"), ROUND_HALF_UP)
