"""What the staff pages say. Codes come from the books; here they are words that say what to do."""

from __future__ import annotations

from typing import Final

#: Section → (heading, what it means and what to do).
SECTIONS: Final = {
    "begun_long_ago": (
        "扣款结果不明",
        "自助机已开始扣款，很久没有结果。请查看该终端的流水：有这笔就等自助机上报；没有才能按“确认未扣款”。",
    ),
    "to_reverse": ("待退款", "已扣款，但没有可缴的申报。自助机会自动冲正；已由收单行或柜台退回的，请登记。"),
    "half_done": ("一边已受理，另一边未完成", "系统会一直重试，不会重复申报。对方系统恢复后可按“立即再试”。"),
    "waiting": ("等待税务系统受理", "两边系统都还没有答复，系统会一直重试。"),
    "not_entered": ("已扣款，尚未入库", "钱已扣，入库还没有成功，系统会一直重试，不会重复入库。"),
    "refused": ("被税务系统退回", "请按原因联系纳税人或该局，处理后登记。"),
    "item": ("需要人工处理", "系统没有规则可以自动处理，请处理后登记。"),
    "quarantine": ("隔离的自助机记录", "自助机上报的记录无法接收，原样保留。请核对后登记。"),
    "low_stock": ("凭证、发票余量不足", "请补充该自助机的空白凭证并登记号段。"),
}

BUREAUS: Final = {"state": "国税", "local": "地税"}

FORMS: Final = {
    "vat_small_scale": "增值税（小规模纳税人）",
    "vat_general": "增值税（一般纳税人）",
    "iit_business": "个人所得税（经营所得）",
    "cit_prepayment": "企业所得税预缴",
    "stamp": "印花税",
    "vehicle_purchase": "车辆购置税",
    "invoice_on_behalf": "代开发票",
}

#: Kinds of ``staff_item``.
ITEMS: Final = {
    "refund_due": "已缴款，但该局不接受：应退款",
    "refused_half": "一边已受理，另一边退回：请与两局核对",
    "amount_differs": "终端扣款金额与应缴金额不同",
    "reversed_but_entered": "已冲正，但该局已入库：请办理退库",
    "sheet_uncertain": "凭证是否打印完好不明：请查看纸张",
    "disk_copied": "终端的存储盘被复制或恢复过：请核对隔离的记录",
    "clock_off": "终端时钟不准，按可信时间记账（时钟 → 可信时间）",
}

PROBLEMS: Final = {
    "already_filed": "该所属期已申报（其他渠道）",
    "unknown_taxpayer": "该局没有此纳税人登记",
    "not_registered": "未核定该税种",
    "no_return": "该局没有对应的申报",
    "paid_already": "已缴纳",
    "amount": "金额不符",
    "key": "业务键已被占用",
    "invalid": "内容不符合要求",
}

CLOSES: Final = {
    "settled": "已处理",
    "not_charged": "确认未扣款",
    "given_back": "已退回",
    "seen": "已核对",
    "spoilt": "作废",
    "good": "打印完好",
}

STOCK_KINDS: Final = {
    "certificate-state": "国税完税证明",
    "certificate-local": "地税完税证明",
    "invoice-special": "专用发票",
    "invoice-ordinary": "普通发票",
}

DIFFERENCES: Final = {
    "charged_not_paid": "终端已扣款，大厅未记为已缴",
    "paid_not_charged": "大厅记为已缴，终端没有这笔",
    "unknown_charge": "终端有一笔大厅不知道的扣款",
    "to_reverse": "应退款，尚未冲正",
    "amount_differs": "金额不一致",
    "twice": "重复",
    "entry_missing_state": "已缴款，国税未入库",
    "entry_missing_local": "已缴款，地税未入库",
    "entry_unknown_state": "国税有一笔大厅不知道的入库",
    "entry_unknown_local": "地税有一笔大厅不知道的入库",
    "return_missing_state": "国税没有这份申报",
    "return_missing_local": "地税没有这份申报",
    "fact_differs": "自助机流水与大厅不一致",
    "not_compared": "未能核对",
}

#: Where a payment or an entry stands, and what a kiosk said of it.
STATES: Final = {
    "begun": "扣款中，结果不明",
    "approved": "已扣款，入库中",
    "entered": "已入库",
    "pending": "入库中",
    "refused": "未扣款",
    "to_reverse": "待退款",
    "reversed": "已冲正",
}

TROUBLE: Final = {
    "note": "请先写明处理情况，再登记。",
    "not_found": "这一项刚刚已经处理，画面已更新。",
    "key": "这一项刚刚有了新的结果，画面已更新。",
    "storage": "没有保存成功，什么都没有改变。请再按一次。",
    "otherwise": "没有做成，画面已更新。",
}
