"""The page of an entity's charts. It holds no figures: each chart asks for its own as JSON, so that
a slow one holds up none.
"""

from __future__ import annotations

from typing import Any

from flask import jsonify, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from app.engine import policy
from app.engine.adapters.appbuilder.views import Pages, entity_page, expose
from app.engine.addresses import DEFAULT_SIZE, ListAddress, list_address, with_query
from app.engine.charts import Chart
from app.engine.entity import REVIEW_NAMES
from app.engine.errors import NotFound, ValueProblem
from app.engine.fields import Field
from app.engine.query import Condition, described, titles
from app.engine.registry import EntityDefinition
from app.engine.surfaces.charts.figures import COUNT, figures, plan

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
    return Chart(CHOSEN, "", given["by"], kind, given.get("measure") or COUNT)


def selected() -> ListAddress:
    """What the charts count: the filters and the search of the list that one came from."""
    return ListAddress.parse(request.args).first_page(order=None, size=DEFAULT_SIZE)


def choice_pairs(chart: Chart | None) -> list[tuple[str, str]]:
    """The reader's own chart, in an address."""
    if chart is None:
        return []
    return [("by", chart.group_by), ("measure", chart.measure), ("kind", chart.kind)]


class ChartPages(Pages):
    """/<key>/charts and the figures of each chart."""

    @expose("/<key>/charts")
    @entity_page("read")
    def charts(self, definition: EntityDefinition) -> str:
        """The declared charts that the viewer may see, and the one that they put together."""
        address, chosen = selected(), chosen_chart()
        address.records(definition)
        unit = ""
        if chosen is not None:
            unit = plan(definition, chosen, address).unit
        by, measures = choices(definition)
        return render_template(
            "charts/charts.html",
            definition=definition,
            here=charts_address(definition),
            charts=[panel(definition, chart, address) for chart in visible(definition)],
            chosen=chosen and panel(definition, chosen, address),
            choice=chosen,
            unit=unit,
            by=by,
            measures=measures,
            kinds=KINDS.items(),
            chips=chips(definition, address, chosen),
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
    return [
        chart
        for chart in definition.model.charts
        if {chart.group_by, *(name for name, _operator, _operand in chart.only)} <= seen
        and (chart.measure == COUNT or chart.measure in seen)
    ]


def choices(definition: EntityDefinition) -> tuple[list[Field], list[Field]]:
    """The fields to group by, and those to sum, under the viewer's rights."""
    seen = policy.plain(definition)
    by = [field for field in seen if field.groupable and field.name not in REVIEW_NAMES]
    sums = [field for field in seen if field.summable and not field.system]
    return by, sums


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
    """“Customers by industry”, “Yearly amount by industry (CNY)”."""
    by = policy.plain_field(definition, chart.group_by).label
    if chart.measure == COUNT:
        return str(gettext("%(entities)s by %(field)s", entities=definition.plural, field=by))
    summed = policy.plain_field(definition, chart.measure)
    return str(gettext("%(measure)s by %(field)s", measure=summed.label, field=by))


def chips(
    definition: EntityDefinition, address: ListAddress, chosen: Chart | None
) -> list[dict[str, Any]]:
    """The filters and the search in words, each with the address of the page without it."""
    here, choice = charts_address(definition), choice_pairs(chosen)
    found = []
    for condition in address.conditions:
        field = policy.plain_field(definition, condition.field)
        words = described(field, condition, names_in(field, condition))
        pairs = address.without(condition).pairs() + choice
        found.append({
            "label": field.label,
            "value": words.removeprefix(str(field.label)).strip(),
            "remove_href": with_query(here, pairs),
        })  # fmt: skip
    if address.text:
        pairs = address.first_page(text="").pairs() + choice
        found.append({
            "label": gettext("Search"), "value": address.text,
            "remove_href": with_query(here, pairs),
        })  # fmt: skip
    return found


def names_in(field: Field, condition: Condition) -> dict[Any, str]:
    """The names of the records that a filter on a reference names by id."""
    if not field.target:
        return {}
    ids = [int(item) for item in str(condition.operand).split(",") if item.strip().isdecimal()]
    return dict(titles(field.target, ids))


def charts_address(definition: EntityDefinition) -> str:
    """The page of an entity's charts."""
    return f"/{definition.key}/charts"
