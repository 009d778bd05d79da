"""What the kiosks' pages say, in Chinese and English. Codes come from reports and books."""

from __future__ import annotations

from typing import Final

#: Kind of an alarm → what it is, and what to do about it.
ALARMS: Final[dict[str, tuple[str, str]]] = {
    "offline": ("离线：看网络、电源", "Offline: look at network and power"),
    "front_end_down": ("画面程序没有运行", "The front end does not run"),
    "device": ("设备故障", "A device does not work"),
    "paper_out": ("缺纸或卡纸", "Out of paper, or jammed"),
    "paper_low": ("纸快用完", "Paper is low"),
    "journal_deep": ("待上传的记录过多", "Many records wait for the hall"),
    "storage_low": ("存储空间不足", "Little storage is left"),
    "storage_broken": ("存储盘不能写入", "Storage cannot be written"),
    "clock_off": ("时钟不准", "The clock is off"),
    "rolled_back": ("新配置已退回", "A release was rolled back"),
    "release_refused": ("新配置被拒收", "A release was refused"),
    "restarts": ("一小时内反复重启", "Restarted again and again within an hour"),
    "quarantine": ("有隔离的记录", "Records are quarantined"),
    "revoked_key": ("已撤销的密钥还在使用", "A revoked key is still used"),
}

DEVICES: Final[dict[str, tuple[str, str]]] = {
    "id_card": ("身份证阅读器", "ID-card reader"),
    "ticket_printer": ("号票打印机", "Ticket printer"),
    "receipt_printer": ("凭证打印机", "Receipt printer"),
    "pos": ("刷卡终端", "Card terminal"),
    "smart_card": ("维护卡读卡器", "Technicians' card slot"),
}

#: Words of drivers.contract (XFS4IoT).
DEVICE_STATES: Final[dict[str, tuple[str, str]]] = {
    "online": ("正常", "works"),
    "deviceBusy": ("忙", "busy"),
    "starting": ("启动中", "starting"),
    "offline": ("没有应答", "does not answer"),
    "powerOff": ("没有通电", "no power"),
    "noDevice": ("没有连接", "not connected"),
    "hardwareError": ("硬件故障", "hardware error"),
    "userError": ("需要人工处理", "needs a hand"),
    "fraudAttempt": ("疑似破坏", "tampered with"),
    "potentialFraud": ("疑似破坏", "maybe tampered with"),
}

PAPERS: Final[dict[str, tuple[str, str]]] = {
    "full": ("有纸", "paper"),
    "low": ("纸少", "low"),
    "out": ("缺纸", "out"),
    "jammed": ("卡纸", "jammed"),
    "unknown": ("纸量不明", "paper unknown"),
}

#: kiosk.domain.fleet.Slot.
SLOTS: Final[dict[str, tuple[str, str]]] = {
    "shipped": ("出厂配置", "as shipped"),
    "trying": ("试运行", "trying"),
    "healthy": ("正常", "healthy"),
    "rolled_back": ("已退回", "rolled back"),
    "refused": ("拒收", "refused"),
}

VERBS: Final[dict[str, tuple[str, str]]] = {
    "lock": ("停用", "Lock"),
    "unlock": ("恢复使用", "Unlock"),
    "restart": ("重新启动", "Restart"),
    "fetch_logs": ("取日志", "Fetch logs"),
}

ORDER_STATES: Final[dict[str, tuple[str, str]]] = {
    "waiting": ("等待执行", "waiting"),
    "done": ("已执行", "done"),
    "refused": ("被拒绝", "refused"),
    "stale": ("已过期，未执行", "stale, not carried out"),
}

ORDER_PROBLEMS: Final[dict[str, str]] = {
    "stale": "指令已过期",
    "signature": "签名不符",
    "kiosk": "不是发给这台自助机的",
    "number": "指令序号已用过",
    "verb": "软件不认识这个指令",
    "failed": "执行失败",
}

TROUBLE: Final[dict[str, str]] = {
    "no_such_kiosk": "没有这台自助机，或已被撤销。",
    "argument": "内容不符合要求：显示的文字最多 60 个字，日志最多 72 小时。",
    "group": "分组名只能用汉字、字母、数字、下划线和连字符，最多 32 个。",
    "not_found": "刚刚已经有变化，画面已更新。",
    "storage": "没有保存成功，什么都没有改变。请再按一次。",
    "otherwise": "没有做成，画面已更新。",
}

#: What a readiness report looked at; what has no words is shown as it is.
CHECKS: Final[dict[str, str]] = {
    **{name: words[0] for name, words in DEVICES.items()},
    "ticket_printer_paper": "号票纸",
    "receipt_printer_paper": "凭证纸",
    "hall": "连到大厅",
    "clock": "时钟",
    "trust": "可信时间",
    "storage": "存储空间",
    "store_works": "数据库能写入",
    "store_whole": "数据库完整",
    "audit_whole": "操作记录完整",
    "journal": "待上传的记录",
    "release": "配置",
    "touch": "触摸",
    "picture": "画面",
    "slip": "打印清晰",
}

#: What was done at a kiosk (``what`` of its audit log); what has no words is shown as it is.
DONE: Final[dict[str, str]] = {
    "login": "进入维护",
    "pin_wrong": "密码错误",
    "refused": "拒绝进入维护",
    "left": "离开维护",
    "test_print": "打印测试页",
    "test_read": "试读证件",
    "handshake": "连接终端",
    "paper_loaded": "装纸",
    "counter_reset": "计数清零",
    "store_checked": "检查数据库",
    "calibrated": "触摸校准",
    "touch_tested": "触摸测试",
    "brightness": "调亮度",
    "volume": "调音量",
    "logs_taken": "拷走日志",
    "readiness": "就绪报告",
    "restart": "重新启动",
    "shut_down": "关机",
    "locked": "停用",
    "unlocked": "恢复使用",
    "rolled_back": "退回配置",
    "order_done": "执行指令",
    "order_refused": "拒绝指令",
    "release_taken": "收到新配置",
    "release_confirmed": "新配置正常",
    "release_rolled_back": "新配置退回",
    "release_refused": "新配置拒收",
    "store_mended": "数据库已修复",
    "store_new": "启用新数据库",
}

#: What was done at the hall (``what`` of the hall's audit log).
DONE_HERE: Final[dict[str, str]] = {
    "order_lock": "发出指令：停用",
    "order_unlock": "发出指令：恢复使用",
    "order_restart": "发出指令：重新启动",
    "order_fetch_logs": "发出指令：取日志",
    "order_done": "指令已执行",
    "order_refused": "指令被拒绝",
    "kiosk_group": "分组",
    "alarm_seen": "告警已知悉",
    "logs_read": "查看日志",
}
