"""The page of an entity's charts. It holds no figures: each chart asks for its own as JSON, so that
a slow one holds up none.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from flask import jsonify, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.addresses import DEFAULT_SIZE, ListAddress, list_address, with_query
from app.engine.charts import AVERAGE, COUNT, MEDIAN, SHARE, SUM, Chart, Measure
from app.engine.entity import REVIEW_NAMES
from app.engine.errors import NotFound, ValueProblem
from app.engine.fields import PERIODS, Field
from app.engine.narrowed import chips
from app.engine.presentation import remarks_of
from app.engine.registry import EntityDefinition
from app.engine.shown_as import CHARTS, ways
from app.engine.surfaces.charts.figures import figures, measure_name, plan

CHOSEN = "chosen"
"""The name, in addresses, of the chart that the reader puts together."""

KINDS = {"bar": _("Bars"), "line": _("Line"), "pie": _("Pie")}


def chosen_chart() -> Chart | None:
    """The chart that the address asks for. Raises ValueProblem for no kind of chart."""
    given = request.args
    if not given.get("by"):
        return None
    kind = given.get("kind") or "bar"
    if kind not in KINDS:
        raise ValueProblem(gettext("There is no kind of chart “%(kind)s”.", kind=kind[:20]))
    measure, split = given.get("measure") or COUNT, given.get("split") or ""
    return Chart(CHOSEN, "", given["by"], kind, measure, split=split)


def selected() -> ListAddress:
    """What the charts count: the filters and the search of the list that one came from."""
    return ListAddress.parse(request.args).first_page(order=None, size=DEFAULT_SIZE)


def choice_pairs(chart: Chart | None) -> list[tuple[str, str]]:
    """The reader's own chart, in an address."""
    if chart is None:
        return []
    pairs = [("by", chart.group_by), ("measure", chart.measure), ("kind", chart.kind)]
    return [*pairs, ("split", chart.split)] if chart.split else pairs


class ChartPages(Pages):
    """/<key>/charts and the figures of each chart."""

    @expose("/<key>/charts")
    @entity_page("read")
    def charts(self, definition: EntityDefinition) -> str:
        """The declared charts that the viewer may see, and the one that they put together."""
        address, chosen = selected(), chosen_chart()
        address.records(definition)
        if chosen is not None:
            plan(definition, chosen, address)
        by, measures = choices(definition)
        return render_template(
            "charts/charts.html",
            definition=definition,
            remarks=remarks_of(definition, "charts"),
            here=charts_address(definition),
            charts=[panel(definition, chart, address) for chart in visible(definition)],
            chosen=chosen and panel(definition, chosen, address),
            choice=chosen,
            by=by,
            measures=measures,
            kinds=KINDS.items(),
            chips=chips(definition, address, lambda other: _without(definition, other, chosen)),
            ways=ways(definition, address, CHARTS),
            kept=address.pairs(),
            list_href=address.href(list_address(definition)),
        )

    @expose("/<key>/chart/<name>.json")
    @entity_page("read")
    def chart(self, definition: EntityDefinition, name: str) -> Response:
        """The figures of one chart."""
        declared = {chart.name: chart for chart in definition.model.charts}
        found = chosen_chart() if name == CHOSEN else declared.get(name)
        if found is None:
            raise NotFound
        return jsonify(figures(definition, found, selected()))


# -- what may be shown ---------------------------------------------------------------------


def visible(definition: EntityDefinition) -> list[Chart]:
    """The declared charts all of whose fields the viewer sees plainly."""
    seen = {field.name for field in policy.plain(definition)}
    return [chart for chart in definition.model.charts if chart.fields <= seen]


@dataclass(frozen=True)
class Offered:
    """Something to choose, as it stands in an address; `group`: what it is listed under."""

    value: str
    label: str
    group: str = ""


Choices = list[tuple[str, list[Offered]]]
"""Under the headings of their groups."""


def choices(definition: EntityDefinition) -> tuple[Choices, Choices]:
    """What to group by, and what to show of each group, under the viewer's rights."""
    seen = policy.plain(definition)
    by = [
        offered
        for field in seen
        if field.groupable and field.name not in REVIEW_NAMES
        for offered in groupings(field)
    ]
    numbers = [field for field in seen if field.summable and not field.system]
    measures = [
        Offered(COUNT, gettext("Number of records")),
        Offered(SHARE, gettext("Share of the whole")),
    ]
    measures += [
        Offered(f"{function}:{field.name}", measure_name(definition, Measure(function, field.name)),
                str(field.label))
        for field in numbers
        for function in (SUM, AVERAGE, MEDIAN)
    ]  # fmt: skip
    return headed(by), headed(measures)


def headed(offered: list[Offered]) -> Choices:
    """The choices with the headings that those next to one another share."""
    return [(group, list(items)) for group, items in groupby(offered, attrgetter("group"))]


def groupings(field: Field) -> list[Offered]:
    """A field; a time once for each period."""
    if not field.periods:
        return [Offered(field.name, str(field.label))]
    return [
        Offered(
            f"{field.name}:{name}",
            gettext("%(field)s by %(period)s", field=field.label, period=PERIODS[name].label),
            str(field.label),
        )
        for name in field.periods
    ]


def panel(definition: EntityDefinition, chart: Chart, address: ListAddress) -> dict[str, Any]:
    """A chart as the page shows it: its title and where its figures are."""
    pairs = address.pairs()
    if chart.name == CHOSEN:
        pairs += choice_pairs(chart)
    return {
        "title": chart.label or title_of(definition, chart),
        "url": with_query(f"/{definition.key}/chart/{chart.name}.json", pairs),
        "name": chart.name,
    }


def title_of(definition: EntityDefinition, chart: Chart) -> str:
    """“Customers by industry”, “Sum of yearly amount by industry and state”."""
    measure = Measure.parse(chart.measure)
    what = str(definition.plural)
    if measure.function == SHARE:
        what = gettext("Share of %(entities)s", entities=definition.plural)
    elif measure.function != COUNT:
        what = measure_name(definition, measure)
    by = named_grouping(definition, chart.group_by)
    if chart.split:
        split = named_grouping(definition, chart.split)
        words = gettext("%(what)s by %(field)s and %(split)s", what=what, field=by, split=split)
        return str(words)
    return str(gettext("%(what)s by %(field)s", what=what, field=by))


def named_grouping(definition: EntityDefinition, text: str) -> str:
    """What is grouped by, in words."""
    name, _colon, period = text.partition(":")
    label = str(policy.plain_field(definition, name).label)
    return f"{label} ({PERIODS[period].label})" if period in PERIODS else label


def _without(definition: EntityDefinition, address: ListAddress, chosen: Chart | None) -> str:
    """The page of another selection, with the reader's own chart."""
    return with_query(charts_address(definition), address.pairs() + choice_pairs(chosen))


def charts_address(definition: EntityDefinition) -> str:
    """The page of an entity's charts."""
    return f"/{definition.key}/charts"
