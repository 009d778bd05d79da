"""What the phone pages say, Chinese and English; and what clerks are told when something was refused.

Which state of a ticket says what is decided in ``phone.py``; here are only the words.
"""

from __future__ import annotations

from typing import Final, Literal

from kiosk.domain.texts import Texts

Language = Literal["zh", "en"]

_ZH: Final = {
    "language": "zh",
    "tag": "zh-CN",
    "other_language": "en",
    "other_language_name": "English",
    "your_number": "您的号码",
    "ahead_before": "前面还有",
    "ahead_after": "人",
    "expected": "预计叫到您",
    "service": "办理业务",
    "any_service": "到窗口说明",
    "issued": "取号时间",
    "bring": "请准备好",
    "updated": "更新于",
    "updates_itself": "本页自动更新",
    "trouble": "暂时连不上大厅，正在重试。号码一直有效，请留意叫号屏。",
    "see_hall": "看看大厅现在多少人",
    "hall_title": "现在等多久",
    "waiting_now": "正在等候",
    "people": "人",
    "wait_now": "现在取号，预计等候",
    "minutes": "分钟",
    "wait_unknown": "暂时说不准",
    "windows_open": "开放窗口",
    "windows_unit": "个",
    "no_window": "现在没有窗口开放。24 小时自助区可以申报、缴税、打印证明。",
    "latest_calls": "最近叫号",
    "at_window": "{window} 号窗口",
    # The space stands before a figure only, as is usual between Chinese and digits.
    "where": " {window} 号窗口",
    "where_unknown": "叫您的窗口",
    "state": {
        "waiting": {
            "title": "等候中",
            "next": "下一位就是您",
            "unknown": "请留意叫号屏",
            "stay": "请不要走远，叫到您时本页会变蓝。",
        },
        "transferred": {
            "title": "已转办，等候中",
            "to": "由{where}接着办，不用重新取号。",
            "any": "哪个窗口有空就由哪个窗口接着办，不用重新取号。",
        },
        "called": {"title": "请到{where}", "now": "现在轮到您了"},
        "serving": {"title": "正在{where}办理"},
        "parked": {
            "title": "已挂起，等您回来",
            "back": "准备好以后，请直接回到{where}，不用重新取号。",
        },
        "done": {"title": "已办结", "thanks": "谢谢您的等候。还要办别的，请重新取号。"},
        "no_show": {
            "title": "已过号",
            "missed": "叫号时您没有到{where}。",
            "near": "过号 {others} 位以内：直接到{where}，请工作人员再叫您。",
            "far": "超过 {others} 位：请在自助机上重新取号。",
            "again": "请在自助机上重新取号。",
        },
        "void": {"title": "号码已作废", "again": "还要办理，请在自助机上重新取号。"},
    },
    "unknown": {
        "title": "没有找到这张号票",
        "today": "号票只在取号当天有效。",
        "fresh": "刚刚取的号，可能还在从自助机传过来：本页会自动再查，号码照样有效。",
        "ask": "也可以看叫号屏，或问大厅工作人员。",
    },
}

_EN: Final = {
    "language": "en",
    "tag": "en",
    "other_language": "zh",
    "other_language_name": "中文",
    "your_number": "Your number",
    "ahead_before": "",
    "ahead_after": "ahead of you",
    "expected": "Your turn at about",
    "service": "Service",
    "any_service": "Tell the clerk",
    "issued": "Taken at",
    "bring": "Please have ready",
    "updated": "Updated",
    "updates_itself": "updates by itself",
    "trouble": "The hall cannot be reached; trying again. Your number stays valid: please watch the board.",
    "see_hall": "How busy is the hall now?",
    "hall_title": "The wait now",
    "waiting_now": "Waiting now",
    "people": "",
    "wait_now": "Wait for a number taken now",
    "minutes": "min",
    "wait_unknown": "not known yet",
    "windows_open": "Open windows",
    "windows_unit": "",
    "no_window": "No window is open now. The 24-hour kiosks take returns and payments and print certificates.",
    "latest_calls": "Latest calls",
    "at_window": "Window {window}",
    "where": "window {window}",
    "where_unknown": "the window that called you",
    "state": {
        "waiting": {
            "title": "Waiting",
            "next": "You are next",
            "unknown": "Please watch the board",
            "stay": "Please stay near: this page turns blue when you are called.",
        },
        "transferred": {
            "title": "Transferred, waiting",
            "to": "It goes on at {where}. No new number is needed.",
            "any": "The next free window goes on with it. No new number is needed.",
        },
        "called": {"title": "Please go to {where}", "now": "It is your turn now"},
        "serving": {"title": "Being served at {where}"},
        "parked": {
            "title": "On hold until you return",
            "back": "When you are ready, go straight back to {where}. No new number is needed.",
        },
        "done": {"title": "Finished", "thanks": "Thank you for waiting. For anything else, please take a new number."},
        "no_show": {
            "title": "You were called",
            "missed": "Nobody came to {where}.",
            "near": "Before the window has called {others} others: go to {where} and ask to be called again.",
            "far": "After that: please take a new number at the kiosk.",
            "again": "Please take a new number at the kiosk.",
        },
        "void": {
            "title": "No longer valid",
            "again": "If you still need the service, please take a new number at the kiosk.",
        },
    },
    "unknown": {
        "title": "This ticket was not found",
        "today": "A ticket is good on the day it was taken.",
        "fresh": "A new one may still be on its way from the kiosk: it is valid, and this page looks again by itself.",
        "ask": "You can also watch the board, or ask the staff.",
    },
}

TEXTS: Final[dict[Language, Texts]] = {"zh": Texts(_ZH), "en": Texts(_EN)}

REASONS: Final = {
    "age": "按取号时间",
    "priority": "绿色通道",
    "transferred": "转来，时间连续计算",
    "transferred_here": "转到本窗口，优先",
}
"""Why a ticket stands where it stands (``OrderReason``)."""

REFUSALS: Final = {
    "window_busy": "本窗口还有没办完的号码，请先办结、挂起或转移。",
    "nobody_waiting": "现在没有人等候。",
    "nothing_here": "本窗口现在没有号码。",
    "stale": "这个号码刚刚变了，画面已更新，请看一眼再按。",
    "not_allowed": "这个号码现在不能这样操作，画面已更新。",
    "no_such_ticket": "没有这个号码。",
    "no_such_window": "没有这个窗口。",
    "window_closed": "本窗口已暂停接待，请先按“恢复接待”。",
    "not_from_here": "这个号码不由本窗口处理，可能已到别的窗口。",
    "in_line": "这个号码还在排队，请按顺序叫号。",
    "passed": "这个号码过号太久，请持号人重新取号。",
    "missing": "画面上的号码刚刚变了，请看一眼再按。",
    "wrong_login": "登录名或密码不对，请再试一次。",
    "slow_down": "试的次数太多，请五分钟后再试。",
    "role": "您的账号不能使用这一页。",
    "window_taken": "这个窗口已有人登录，请另选窗口，或请对方先退出。",
    "storage": "这一步没有保存成功，什么都没有改变。请再按一次；还不行请联系管理员。",
}
"""``Refused.problem`` in words for the clerk."""

SESSION_ENDED: Final = "登录已结束，请重新登录。"

REFUSED_OTHERWISE: Final = "这一步没有做成（{problem}），画面已更新。"


def refusal(problem: str) -> str:
    return REFUSALS.get(problem) or REFUSED_OTHERWISE.format(problem=problem)
