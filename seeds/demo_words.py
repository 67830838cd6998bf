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
