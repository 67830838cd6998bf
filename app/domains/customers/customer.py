"""The customer: a company, an authority, an association or a person that we serve."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from app.domains.customers.checks import credit_code, not_negative
from app.domains.customers.choices import LIFE_CYCLE, LifeCycle, NeedType, ValueTier
from app.engine.agenda import Agenda
from app.engine.areas import Area
from app.engine.charts import Chart
from app.engine.derived import Latest
from app.engine.entity import Entity
from app.engine.fields import (
    Choice,
    Date,
    DateTime,
    Email,
    LongText,
    Money,
    Owner,
    Phone,
    Tags,
    Text,
    Url,
)

Area("customers", _("Customers"))

BASICS = _("Basics")
REACH = _("Address and ways to reach")
BUSINESS = _("Classes and business")
MORE = _("Notes")


class Customer(
    Entity,
    area="customers",
    label=_("Customer"),
    plural=_("Customers"),
    icon="building",
    title="name",
    review=True,
    key="external_code",
    duplicates=("name", "credit_code", "phone"),
    archivable=True,
    pool=True,
    about_person="customer_type:in:person,sole_trader",
):
    """A customer's file. Only the name is required; it counts once it has been approved."""

    name = Text(
        _("Customer name"),
        required=True,
        max_length=200,
        search=True,
        pinyin=True,
        index=True,
        group=BASICS,
        in_list=True,
        hint=_("Full name as on the business licence, or the person's name."),
        synonyms=(
            "name",
            "名称",
            "公司名称",
            "企业名称",
            "单位名称",
            "客户",
            "company",
            "customer",
        ),
    )
    short_name = Text(
        _("Short name"),
        max_length=60,
        search=True,
        pinyin=True,
        group=BASICS,
        synonyms=("简称", "公司简称", "abbreviation"),
    )
    credit_code = Text(
        _("Unified social credit code"),
        max_length=30,
        unique=True,
        search=True,
        code=True,
        check=credit_code,
        group=BASICS,
        hint=_("18 characters; the check character at the end is verified."),
        synonyms=("信用代码", "社会信用代码", "税号", "纳税人识别号", "credit code", "uscc"),
    )
    external_code = Text(
        _("External code"),
        max_length=60,
        unique=True,
        search=True,
        code=True,
        group=BASICS,
        hint=_("Number in another system, such as a ticker; imports find the customer by it."),
        synonyms=("ts_code", "股票代码", "证券代码", "客户编号", "编号", "ticker", "code"),
    )
    customer_type = Choice(
        _("Customer type"),
        "customer_type",
        group=BASICS,
        synonyms=("类型", "客户类别", "type"),
    )
    industry = Choice(
        _("Industry"),
        "industry",
        search=True,
        group=BASICS,
        in_list=True,
        synonyms=("所属行业", "行业分类", "sector"),
    )
    ownership = Choice(
        _("Ownership"),
        "ownership",
        group=BASICS,
        synonyms=("企业性质", "所有制", "act_ent_type", "act ent type"),
    )
    controller = Text(
        _("Actual controller"),
        max_length=200,
        search=True,
        group=BASICS,
        hint=_("Person or body that decides in the end."),
        synonyms=("实控人", "act_name"),
    )
    listing = Choice(
        _("Stock market"),
        "listing",
        group=BASICS,
        synonyms=("板块", "市场类型", "市场", "market", "board"),
    )
    listed_on = Date(
        _("Listed on"),
        group=BASICS,
        synonyms=("上市时间", "list_date", "listing date"),
    )

    province = Choice(
        _("Province"),
        "province",
        search=True,
        group=REACH,
        in_list=True,
        synonyms=("地区", "省", "省市", "区域", "所在省", "area", "region"),
    )
    city = Choice(
        _("City"),
        "city",
        parent="province",
        search=True,
        group=REACH,
        in_list=True,
        hint=_("Choose the province first; its cities are offered then."),
        synonyms=("市", "所在城市", "地市"),
    )
    address = Text(
        _("Address"),
        max_length=300,
        search=True,
        group=REACH,
        hint=_("Street, number, building, room."),
        synonyms=("详细地址", "联系地址", "注册地址", "办公地址", "street"),
    )
    phone = Phone(
        _("Phone"),
        search=True,
        index=True,
        group=REACH,
        hint=_("Switchboard or main number; numbers of people belong to contacts."),
        synonyms=("联系电话", "公司电话", "电话号码", "座机", "telephone", "tel"),
    )
    email = Email(
        _("E-mail"),
        search=True,
        group=REACH,
        synonyms=("电子邮箱", "电子邮件", "邮箱", "email", "mail"),
    )
    website = Url(
        _("Website"),
        group=REACH,
        synonyms=("官网", "网站", "公司网址", "homepage", "url"),
    )

    status = Choice(
        _("Life cycle"),
        LifeCycle,
        default=LifeCycle.POTENTIAL,
        moves=LIFE_CYCLE,
        group=BUSINESS,
        in_list=True,
        hint=_("Active: business within 3 months; dormant: 3 to 6 months ago; lost: longer ago."),
        synonyms=("客户状态", "状态", "status", "stage"),
    )
    value_tier = Choice(
        _("Value tier"),
        ValueTier,
        group=BUSINESS,
        in_list=True,
        hint=_("High: from 500,000 a year; middle: from 100,000; potential: less."),
        synonyms=("客户价值", "价值", "tier"),
    )
    grade = Choice(
        _("Grade"),
        "grade",
        group=BUSINESS,
        synonyms=("客户级别", "客户等级", "等级"),
    )
    need_type = Choice(
        _("Need type"),
        NeedType,
        group=BUSINESS,
        synonyms=("需求", "客户需求"),
    )
    yearly_amount = Money(
        _("Yearly amount"),
        check=not_negative,
        group=BUSINESS,
        in_list=True,
        hint=_("What the customer buys in a year."),
        synonyms=("年采购额", "年销售额", "年成交额", "annual amount", "amount"),
    )
    source = Choice(
        _("Source"),
        "source",
        group=BUSINESS,
        hint=_("How the customer came to us."),
        synonyms=("获客渠道", "来源渠道"),
    )
    preferred_channel = Choice(
        _("Preferred channel"),
        "channel",
        group=BUSINESS,
        synonyms=("偏好渠道", "联系方式偏好", "沟通渠道", "channel"),
    )
    account_manager = Owner(
        _("Account manager"),
        group=BUSINESS,
        in_list=True,
        hint=_("Looks after the customer; empty means anybody may take it up."),
        synonyms=("负责人", "业务员", "销售代表", "owner", "manager"),
    )
    last_contact_at = DateTime(
        _("Last contact"),
        derived=Latest("Interaction", "customer", "at"),
        group=BUSINESS,
        in_list=True,
        hint=_("The latest of the interactions."),
    )
    customer_since = Date(
        _("Customer since"),
        group=BUSINESS,
        hint=_("Day of the first business."),
        synonyms=("首次合作日期", "成交日期", "合作时间", "since"),
    )

    tags = Tags(
        _("Tags"),
        search=True,
        group=MORE,
        in_list=True,
        synonyms=("标记", "tag", "labels"),
    )
    notes = LongText(
        _("Notes"),
        search=True,
        group=MORE,
        synonyms=("备注信息", "说明", "remark", "remarks", "comment"),
    )

    agenda = (
        Agenda(
            "quiet",
            _("My customers without contact for 90 days"),
            due="last_contact_at",
            owner="account_manager",
            open="status:in:new,active,dormant",
            after=90,
            soon=14,
            shows="status",
            undated=_("never contacted"),
        ),
    )
    charts = (
        Chart("status", _("Customers by life cycle"), "status", kind="bar"),
        Chart("value_tier", _("Customers by value tier"), "value_tier", kind="pie"),
        Chart(
            "tiers",
            _("Life cycle within each value tier"),
            "value_tier",
            measure="share",
            split="status",
        ),
        Chart("industry", _("Customers by industry"), "industry", kind="bar"),
        Chart("province", _("Customers by province"), "province", kind="bar"),
        Chart("registered", _("Customers registered by month"), "created_at", kind="line"),
        Chart(
            "since",
            _("First business by month"),
            "customer_since",
            kind="line",
        ),
        Chart(
            "amount",
            _("Yearly amount by industry (CNY)"),
            "industry",
            kind="bar",
            measure="yearly_amount",
            only=(("yearly_amount_currency", "eq", "CNY"),),
        ),
        Chart(
            "typical",
            _("Median yearly amount by value tier (CNY)"),
            "value_tier",
            measure="median:yearly_amount",
        ),
    )
