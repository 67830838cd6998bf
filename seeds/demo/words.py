"""Words that the demo data is made of. Companies, people and addresses are invented.

Telephone numbers: no range is set aside for fiction in China, so the mobile ones begin with 154,
which the ministry has given to nobody, and the fixed ones continue with 0, with which no local
number can begin. Mail and web addresses end in `.example` (RFC 2606). Credit codes carry the
region 990000, which does not exist, and an organisation code that begins with DEM0.
"""

from __future__ import annotations

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN_NAMES = (
    "伟 芳 娜 敏 静 丽 强 磊 洋 艳 勇 军 杰 娟 涛 明 超 霞 平 刚 桂英 秀兰 建国 志强 海燕 晓东 "
    "雪梅 文博 子涵 雨桐 浩然 梓萱 思远 佳怡 俊杰 欣妍 宇航 诗涵 嘉豪 梦瑶 天佑 若曦 景行 书瑶 "
    "永康 春华 立新 国栋 慧敏 晓峰"
)
BRANDS = (
    "云岭 青禾 朗溪 恒岳 澄川 启明 瀚宇 星野 金穗 远帆 博衡 汇川源 新棠 锦程 鼎石 凌风 海纳川 "
    "润泽源 安禾 天穹 聚力 华岩 百川汇 晨曦 宏图源 卓立 沐阳 力行 丰谷 睿合 北辰星 南屏 东篱 "
    "西岭 中岳源 清源 和光 知远 同舟 信石 优迈 极目 千帆 万象源 长风 近水 逸云 霁月 松涛 竹海"
)
TRADES: tuple[tuple[str, str, str], ...] = (
    # trade in the company's name, GB/T 4754 code, what it buys
    ("精密机械", "C35", "数控设备备件与年度保养"),
    ("通用设备", "C34", "设备巡检服务"),
    ("电子科技", "C39", "测试仪器与校准服务"),
    ("软件", "I65", "云主机与技术支持"),
    ("网络科技", "I64", "带宽与安全服务"),
    ("医药", "C27", "实验室耗材"),
    ("食品", "C14", "包装材料"),
    ("茶业", "C15", "包装设计与印刷"),
    ("纺织", "C17", "染料与检测服务"),
    ("服饰", "C18", "面料与仓储服务"),
    ("家具", "C21", "五金配件"),
    ("化工", "C26", "环保检测"),
    ("新材料", "C29", "实验设备"),
    ("汽车零部件", "C36", "自动化产线改造"),
    ("电气", "C38", "元器件与技术培训"),
    ("仪器仪表", "C40", "计量校准"),
    ("新能源", "D44", "运维服务"),
    ("建设工程", "E48", "工程管理软件"),
    ("装饰工程", "E50", "设计软件许可"),
    ("商贸", "F51", "进销存系统"),
    ("连锁超市", "F52", "收银设备维护"),
    ("物流", "G58", "车辆管理系统"),
    ("仓储", "G59", "货架与条码设备"),
    ("酒店管理", "H61", "客房用品与会员系统"),
    ("餐饮管理", "H62", "点餐系统"),
    ("融资租赁", "L71", "数据服务"),
    ("企业管理咨询", "L72", "培训服务"),
    ("检测技术", "M74", "标准物质"),
    ("环保科技", "N77", "在线监测设备"),
    ("文化传媒", "R87", "拍摄设备租赁"),
    ("农业发展", "A01", "灌溉设备"),
    ("水产养殖", "A04", "水质监测服务"),
    ("置业", "K", "物业管理系统"),
    ("教育科技", "P", "教学平台"),
)
FOREIGN_NAMES: tuple[tuple[str, str, str], ...] = (
    ("Larkfield Optics", "C40", "calibration contract"),
    ("Northmoor Valves", "C34", "spare parts and inspection"),
    ("Saltmarsh Foods", "C14", "packaging"),
    ("Brightwater Analytics", "I65", "cloud hosting and support"),
    ("Oakhollow Logistics", "G58", "fleet management system"),
    ("Fenwick & Rowe Pharma", "C27", "laboratory supplies"),
    ("Cinderford Ceramics", "C30", "kiln maintenance"),
    ("Whitcombe Textiles", "C17", "testing services"),
)
INSTITUTIONS: tuple[tuple[str, str, str], ...] = (
    # name after the city, customer type, GB/T 4754 code
    ("云岭职业技术学院", "institution", "P"),
    ("青禾实验学校", "institution", "P"),
    ("南屏区人民医院", "institution", "Q84"),
    ("南屏区市场监督管理局", "government", "S92"),
    ("东篱新区行政服务中心", "government", "S92"),
    ("民间工艺协会", "association", "S95"),
    ("青年创业者协会", "association", "S95"),
    ("松涛公益基金会", "foundation", "S95"),
    ("朗溪茶叶专业合作社", "cooperative", "A01"),
    ("竹海社会工作服务中心", "nonprofit", "Q85"),
)
SHOPS = ("面馆", "五金店", "花店", "便利店", "维修部", "茶叶店")
CITIES = {
    # GB/T 2260 code: area code of the telephone
    "110100": "010",
    "310100": "021",
    "440300": "0755",
    "440100": "020",
    "330100": "0571",
    "330200": "0574",
    "320100": "025",
    "320500": "0512",
    "510100": "028",
    "420100": "027",
    "430100": "0731",
    "610100": "029",
    "500100": "023",
    "370200": "0532",
    "370100": "0531",
    "410100": "0371",
    "340100": "0551",
    "350200": "0592",
    "350100": "0591",
    "210200": "0411",
    "120100": "022",
    "530100": "0871",
    "520100": "0851",
    "450100": "0771",
    "360100": "0791",
    "130100": "0311",
    "230100": "0451",
    "650100": "0991",
}
ROADS = "云岭路 青禾大道 科创一路 朗溪街 南屏中路 松涛路 竹海大道 东篱路 兴业三路 星野街"
BUILDINGS = (" A 座", " B 座", "科创大厦", "产业园 3 号楼", "商务中心", "")
TITLES = "总经理 副总经理 采购经理 采购专员 财务主管 信息主管 行政主管 技术总监 运营经理 市场经理 办公室主任"
TAGS = "重点客户 长期合作 价格敏感 需上门服务 响应要求高 有续约意向 可作案例 账期较长 新品试用"
SOURCES = (
    *("exhibition", "referral", "website", "phone_in", "visit"),
    *("tender", "directory", "wechat", "event"),
)
NOTES = (
    "主要采购{need}，每年三季度确定下一年度预算。",
    "由老客户介绍，关注{need}的交付周期。",
    "去年试用过{need}，反馈良好，计划扩大范围。",
    "决策人为总经理，日常联系采购部门；关注{need}的价格。",
    "希望每季度安排一次上门回访，并提供{need}的使用培训。",
)
FOREIGN_NOTES = (
    "Buys {need}; the budget is settled each September.",
    "Interested in {need}; prefers documents in English and Chinese.",
    "Uses {need} at two sites; asks for a quarterly review.",
)
MEETINGS: tuple[tuple[str, str, str, str, str, str], ...] = (
    # kind, channel, subject, what was talked about, the customer's words, the next step
    ("visit", "visit", "季度回访", "走访车间，了解设备使用情况，介绍新版服务内容。", "设备运行稳定，希望备件到货再快一些。", "整理备件清单并报价"),
    ("call", "phone", "电话跟进报价", "确认报价单内容，解释付款方式和交付周期。", "价格可以接受，需要内部走审批流程。", "一周后确认审批进度"),
    ("mail", "email", "发送产品资料", "发送产品手册和两个同行业案例。", "", "电话确认资料是否收到"),
    ("event", "meeting", "参加新品说明会", "邀请客户参加线上新品说明会，现场答疑。", "对自动化方案感兴趣，想看现场演示。", "安排现场演示"),
    ("call", "wechat", "节日问候", "发送节日问候，简单了解近期项目安排。", "今年预算还没有定下来。", ""),
    ("visit", "visit", "续约洽谈", "讨论下一年度合作范围和服务标准。", "希望增加一次现场培训。", "起草续约方案"),
    ("call", "wecom", "满意度回访", "询问上次服务的响应速度和解决结果。", "工程师很专业，上门时间可以再提前约。", ""),
    ("mail", "email", "Quarterly review", "Sent the figures of the quarter and a proposal for the next one.", "Please add the two sites in the north.", "Prepare the offer for two more sites"),
    ("event", "visit", "客户交流会", "在交流会上介绍售后服务流程，交换联系方式。", "期待看到更多行业案例。", "发送行业案例"),
    ("call", "phone", "首次合作感谢与回访", "感谢首次合作，确认到货和验收情况。", "包装完好，数量无误。", "寄送感谢信"),
)  # fmt: skip
TASKS = (
    "核对客户开票信息", "准备季度回访提纲", "寄送新品样册", "更新客户联系人", "确认合同续签意向",
    "整理上门服务记录", "Send the updated price list", "跟进未付款项", "邀请参加客户交流会", "补充客户档案资料",
)  # fmt: skip
REQUESTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    # kind of ticket: subject, what the customer says, what is answered
    "consultation": (
        ("咨询年度保养报价", "请提供明年保养服务的报价。", "报价单已发送，请查收。"),
        ("Opening hours of the hotline", "When can we reach the hotline?", "Every day from 8 to 20, Beijing time."),
        ("咨询发票抬头修改", "发票抬头需要改为新公司名称，如何办理？", "请提供新的开票信息，三个工作日内换开。"),
    ),
    "fault": (
        ("设备启动后报警", "早上开机后一直报警，无法生产。", "工程师已远程诊断，建议先断电重启，随后上门检查。"),
        ("系统登录失败", "多名员工无法登录系统。", "服务已恢复，请重新登录。"),
        ("Sensor shows wrong values", "The sensor of line 2 is off by 10 per cent.", "Please calibrate with the attached steps."),
    ),
    "service_request": (
        ("申请增加使用账号", "新增五名员工，请开通账号。", "账号已开通，初始密码已单独发送。"),
        ("申请现场培训", "希望安排一次现场培训。", "已安排下周三上午，请确认参加人数。"),
    ),
    "complaint": (
        ("投诉备件到货延迟", "备件比承诺时间晚了两周，影响生产。", "已安排加急发货，并减免本次运费。"),
        ("投诉上门服务未按约定时间", "工程师比约定时间晚到三小时。", "已向客户致歉，并调整派单规则。"),
    ),
    "feedback": (
        ("建议增加自助查询功能", "希望能自己查询维修进度。", "感谢建议，已列入下一版本计划。"),
        ("对培训讲师的表扬", "讲师讲解清楚，收获很大。", "感谢肯定，已转达讲师本人。"),
    ),
}  # fmt: skip
"""What customers ask for."""
