"""The order: what a customer bought, when and for how much; money given back is a negative amount."""

from __future__ import annotations

import datetime

from flask_babel import lazy_gettext as _

from app.engine.charts import Chart
from app.engine.choices import Choices
from app.engine.entity import Entity
from app.engine.errors import ValueProblem
from app.engine.fields import Choice, Date, Decimal, LongText, Money, Reference, Serial, Text
from app.engine.rules import Saving, rule

CHINA = datetime.timezone(datetime.timedelta(hours=8))


class OrderState(Choices):
    """How far an order has come."""

    PLACED = "placed", _("Placed"), "blue"
    DELIVERED = "delivered", _("Delivered"), "cyan"
    COMPLETED = "completed", _("Completed"), "green"
    CANCELLED = "cancelled", _("Cancelled"), "gray"


def until_today(value: datetime.date) -> datetime.date:
    """A day that has come, on China's clock: what is planned is no business yet. Raises ValueProblem."""
    if value > datetime.datetime.now(CHINA).date():
        raise ValueProblem(_("This day lies in the future."))
    return value


class Order(
    Entity,
    area="customers",
    label=_("Order"),
    plural=_("Orders"),
    icon="receipt",
    title="number",
    order="-ordered_on",
    key="number",
    scope_through="customer",
    parent="customer",
    alike=True,
    timeline="ordered_on",
):
    """An order of a customer, or a refund. Cancelled ones count in no figure of the customer."""

    number = Serial(
        _("Order number"),
        pattern="D{date:%Y%m%d}-{n:05}",
        search=True,
        in_list=True,
        in_form=True,
        read_only=False,
        hint=_("Left empty, it is given a number."),
        synonyms=("订单号", "单号", "number", "order no", "order id"),
    )
    customer = Reference(
        "Customer",
        _("Customer"),
        required=True,
        in_list=True,
        synonyms=("所属客户", "客户名称", "客户编号", "customer id", "company"),
    )
    ordered_on = Date(
        _("Order date"),
        required=True,
        check=until_today,
        in_list=True,
        hint=_("Not in the future."),
        synonyms=("下单日期", "下单时间", "日期", "date"),
    )
    product = Text(
        _("Product"),
        max_length=200,
        search=True,
        in_list=True,
        synonyms=("产品", "商品", "商品名称", "product", "item"),
    )
    quantity = Decimal(
        _("Quantity"),
        scale=3,
        padded=False,
        in_list=True,
        hint=_("Negative for what came back."),
        synonyms=("数量", "quantity", "qty", "pieces"),
    )
    amount = Money(
        _("Amount"),
        required=True,
        in_list=True,
        hint=_("Of the whole order; negative for a refund."),
        synonyms=("金额", "订单金额", "总价", "amount", "total"),
    )
    state = Choice(
        _("State"),
        OrderState,
        default=OrderState.COMPLETED,
        in_list=True,
        hint=_("Cancelled orders count in no figure."),
        synonyms=("订单状态", "状态", "status"),
    )
    notes = LongText(_("Notes"), search=True, synonyms=("备注信息", "remark", "remarks"))

    charts = (
        Chart(
            "amounts", _("Order amounts by month"), "ordered_on", kind="line", measure="sum:amount",
            only=(("state", "neq", "cancelled"),),
        ),
        Chart("states", _("Orders by month and state"), "ordered_on", split="state"),
        Chart(
            "average", _("Average order by month"), "ordered_on", kind="line",
            measure="average:amount", only=(("state", "neq", "cancelled"), ("amount", "gt", 0)),
        ),
    )  # fmt: skip

    @rule
    def keeps_its_number(saving: Saving) -> None:  # noqa: N805
        """A number that is emptied in a form stays what it was."""
        if not saving.new and not saving.values.get("number"):
            saving.values["number"] = saving.before.get("number")
