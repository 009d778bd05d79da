"""Sessions of maintenance mode: login, panels of every shape, touch test, calibration. See samples.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kiosk.domain.fleet import TechnicianRole
from kiosk.domain.texts import Texts
from kiosk.session.panel import (
    GRID,
    Action,
    Calibration,
    Line,
    LoginStep,
    Maintenance,
    MaintenanceLogin,
    Outcome,
    Panel,
    Place,
    Tone,
    TouchTest,
)
from kiosk.session.state import Page


def panel(place: Place, *lines: Line, actions: tuple[Action, ...] = (), **parts: str) -> Panel:
    return Panel(place, parts.get("subject", ""), lines, actions, parts.get("note", ""), parts.get("qr", ""))


ME = Maintenance("t-017", "王建国", TechnicianRole.SENIOR)
LONG_NAME = Maintenance("t-101", "Maria Guadalupe Lopez-Hernandez", TechnicianRole.TECHNICIAN)


def at(shown: Panel, **parts: object) -> Maintenance:
    return replace(ME, place=shown.place, subject=shown.subject, panel=shown, **parts)  # type: ignore[arg-type]


PLACES = [place for place in Place if place not in (Place.MENU, Place.DEVICE)]
MENU = panel(
    Place.MENU,
    *(
        Line(f"sample_{place.value}", opens=place, word=word, value=value, tone=tone)
        for place, (word, value, tone) in zip(
            PLACES,
            [
                ("sample_one_broken", "", Tone.BAD),
                ("sample_low", "", Tone.WARN),
                ("sample_answers", "12", Tone.GOOD),
                ("sample_waiting", "3", Tone.WARN),
                *[("", "", Tone.PLAIN)] * 20,
            ],
            strict=False,
        )
    ),
    actions=(Action("leave"),),
)
DEVICES = panel(
    Place.DEVICES,
    Line("id_card", word="sample_works", tone=Tone.GOOD, opens=Place.DEVICE, subject="id_card"),
    Line("ticket_printer", word="sample_paper_low", tone=Tone.WARN, opens=Place.DEVICE, subject="ticket_printer"),
    Line("receipt_printer", word="sample_jammed", tone=Tone.BAD, opens=Place.DEVICE, subject="receipt_printer"),
    Line("pos", word="sample_works", tone=Tone.GOOD, opens=Place.DEVICE, subject="pos"),
)
DEVICE = panel(
    Place.DEVICE,
    Line("sample_state", word="sample_jammed", tone=Tone.BAD),
    Line("sample_port", "/dev/taxkiosk/receipt-printer"),
    Line("sample_sheets", "18,204"),
    Line("sample_since_refill", "412"),
    Line("2026-11-24 09:12:44", word="sample_jammed", tone=Tone.BAD, raw=True),
    Line("2026-11-23 18:40:02", word="sample_works", tone=Tone.GOOD, raw=True),
    Line("2026-11-23 18:39:10", word="sample_paper_low", tone=Tone.WARN, raw=True),
    actions=(
        Action("sample_test_print", "receipt_printer"),
        Action("sample_clear", "receipt_printer", works=False),
        Action("sample_reset", "receipt_printer", grave=True),
    ),
    subject="receipt_printer",
    note="sample_open_cover",
)
NETWORK = panel(
    Place.NETWORK,
    Line("sample_hall", word="sample_answers", value="12", tone=Tone.GOOD),
    Line("sample_address", "https://hall.zhangzhou-xiangcheng.tax.example:8443/kiosk/v1"),
    Line("sample_clock", "2026-11-24 09:41:07 +08:00"),
    Line("sample_trust", word="sample_clock_off", value="412", tone=Tone.WARN),
    actions=(Action("sample_ask_hall"),),
)
LEDGER = panel(
    Place.LEDGER,
    *(
        Line(f"09:{60 - i:02d}  A{i:03d}", word="sample_printed", tone=Tone.GOOD if i % 7 else Tone.WARN, raw=True)
        for i in range(1, 41)
    ),
)
READINESS = panel(
    Place.READINESS,
    *(Line(f"sample_check_{i}", word="sample_works", tone=Tone.GOOD) for i in range(1, 9)),
    Line("sample_check_9", word="sample_jammed", tone=Tone.BAD),
    actions=(
        Action("touch_test"),
        Action("sample_test_print", "ticket_printer"),
        Action("sample_right", "picture"),
        Action("sample_wrong", "picture"),
        Action("sample_right", "slip"),
        Action("sample_wrong", "slip"),
        Action("sample_check_all"),
        Action("sample_print_report", works=False),
    ),
    note="sample_nobody",
    qr="taxkiosk-readiness:K3:5f1c0a9be7d24c3388f0aa41c2:2026-11-24T09:41:07+08:00:bad:" + "0123456789abcdef" * 8,
)
POWER = panel(
    Place.POWER,
    Line("sample_since", "2026-11-02 04:30"),
    actions=(Action("sample_restart", grave=True), Action("sample_shut_down", grave=True), Action("sample_lock")),
    note="sample_nobody",
)
STEP = panel(
    Place.REPAIR,
    Line("2 / 4", word="sample_step", raw=True),
    Line("sample_state", word="sample_turns_green", tone=Tone.BAD),
    Line("sample_next_step", word="sample_step", opens=Place.REPAIR, subject="sample_paper_jam/3"),
    actions=(Action("sample_next"),),
    subject="sample_paper_jam/2",
    note="sample_open_cover",
)
STEPS = panel(
    Place.REPAIR,
    *(
        Line(str(i), word="sample_step", opens=Place.REPAIR, subject=f"sample_paper_jam/{i}", raw=True, tone=tone)
        for i, tone in enumerate((Tone.GOOD, Tone.GOOD, Tone.WARN, Tone.WARN, Tone.WARN), 1)
    ),
    subject="sample_paper_jam",
)
FAULTS = panel(
    Place.REPAIR,
    Line("sample_paper_jam", word="sample_seen", tone=Tone.BAD, opens=Place.REPAIR, subject="sample_paper_jam"),
    *(Line(f"sample_fault_{i}", opens=Place.REPAIR, subject=f"sample_fault_{i}") for i in range(1, 10)),
)
HASHES = panel(
    Place.AUDIT,
    *(Line(f"11-24 09:4{i}:07  t-017", "5f1c0a9be7d24c3388f0aa41c2" * 2, "sample_did", raw=True) for i in range(9)),
)
SCREEN = panel(
    Place.SCREEN,
    Line("sample_brightness", "80 %"),
    Line("sample_volume", "40 %"),
    actions=tuple(
        Action(name)
        for name in ("sample_darker", "sample_brighter", "sample_quieter", "sample_louder", "touch_test", "calibrate")
    ),
)

PIN = MaintenanceLogin(LoginStep.PIN, tries_left=3)
CELLS = GRID[0] * GRID[1]

PAGES: dict[str, Page] = {
    "maintenance-card": MaintenanceLogin(LoginStep.CARD_WANTED),
    "maintenance-checking": MaintenanceLogin(LoginStep.CHECKING),
    "maintenance-pin": PIN,
    "maintenance-pin-half": replace(PIN, pin="4711"),
    "maintenance-pin-wrong": replace(PIN, wrong=True, tries_left=2),
    "maintenance-pin-wrong-last": replace(PIN, wrong=True, tries_left=1, pin="47114711"),
    "maintenance-pin-last": replace(PIN, tries_left=1),
    "maintenance-pin-wrong-unknown": replace(PIN, wrong=True, tries_left=None),
    "maintenance-signing": MaintenanceLogin(LoginStep.SIGNING),
    "maintenance-refused": MaintenanceLogin(LoginStep.REFUSED, problem="locked_out"),
    "maintenance-reading": ME,
    "maintenance-menu": at(MENU),
    "maintenance-menu-long-name": replace(LONG_NAME, panel=MENU),
    "maintenance-devices": at(DEVICES),
    "maintenance-device": at(DEVICE),
    "maintenance-device-doing": at(DEVICE, doing="sample_test_print"),
    "maintenance-device-outcome": at(DEVICE, outcome=Outcome("sample_came_out")),
    "maintenance-device-sure": at(DEVICE, asking=DEVICE.actions[2]),
    "maintenance-network": at(NETWORK),
    "maintenance-network-outcome": at(NETWORK, outcome=Outcome("sample_no_answer", Tone.BAD, "3.0")),
    "maintenance-ledger": at(LEDGER),
    "maintenance-readiness": at(READINESS),
    "maintenance-repair-step": at(STEP),
    "maintenance-repair-steps": at(STEPS),
    "maintenance-repair-faults": at(FAULTS),
    "maintenance-audit": at(HASHES),
    "maintenance-tested": at(READINESS, doing="touch_tested"),
    "maintenance-screen": at(SCREEN, outcome=Outcome("sample_plain", Tone.PLAIN)),
    "maintenance-power": at(POWER, outcome=Outcome("sample_warned", Tone.WARN)),
    "maintenance-empty": at(panel(Place.AUDIT)),
    "touch-test": TouchTest(ME, frozenset(range(23)) | {40, 41, 59}),
    "touch-test-untouched": TouchTest(ME),
    "touch-test-done": TouchTest(ME, frozenset(range(CELLS))),
    "calibration": Calibration(ME),
    "calibration-third": Calibration(ME, ((112, 96), (903, 121))),
    "calibration-done": Calibration(ME, ((112, 96), (903, 121), (880, 905), (90, 899))),
}

_ZH = {
    "line.id_card": "身份证读卡器", "line.ticket_printer": "号票打印机",
    "line.receipt_printer": "凭证打印机", "line.pos": "刷卡终端", "line.sample_state": "状态",
    "line.sample_port": "端口", "line.sample_sheets": "累计打印", "line.sample_since_refill": "换纸后打印",
    "line.sample_hall": "税务厅", "line.sample_address": "地址", "line.sample_clock": "本机时钟",
    "line.sample_trust": "可信时间", "line.sample_since": "上次启动", "line.sample_brightness": "亮度",
    "line.sample_volume": "音量", "word.sample_step": "打开前盖，取出卡住的纸，再合上前盖",
    "line.sample_next_step": "下一步", "line.sample_paper_jam": "凭证打印机卡纸", "word.sample_seen": "本机发现",
    "word.sample_did": "应用配置 {value}", "line.picture": "画面", "line.slip": "小票", "do.sample_wrong": "不正常",
    "word.sample_one_broken": "1 台设备有故障", "word.sample_low": "纸快用完", "word.sample_answers": "{value} 毫秒",
    "word.sample_waiting": "{value} 条没有送到", "word.sample_works": "正常", "word.sample_paper_low": "纸快用完",
    "word.sample_jammed": "卡纸", "word.sample_clock_off": "本机时钟快 {value} 秒", "word.sample_printed": "已打印",
    "word.sample_turns_green": "还没有好，修好后这里变绿", "do.sample_test_print": "试打一张",
    "do.sample_clear": "清除卡纸", "do.sample_reset": "计数归零", "do.sample_ask_hall": "联系税务厅",
    "do.sample_check_all": "全部检查", "do.sample_print_report": "打印报告", "do.touch_test": "触摸测试",
    "do.calibrate": "校准", "do.leave": "退出", "do.sample_right": "正常", "do.sample_restart": "重新启动前台程序",
    "do.sample_shut_down": "关闭机器", "do.sample_lock": "暂停服务", "do.sample_next": "做好了，下一步",
    "do.sample_darker": "暗一点", "do.sample_brighter": "亮一点", "do.sample_quieter": "小声一点",
    "do.sample_louder": "大声一点", "outcome.sample_came_out": "打印机说纸已经出来，请看是否清楚。",
    "outcome.sample_no_answer": "税务厅 {value} 秒内没有回答，请检查网线和交换机。",
    "outcome.sample_plain": "亮度 80 %。",
    "outcome.sample_warned": "已记下，等这位办完再重新启动。", "note.sample_open_cover": "打开前盖前请先停止打印。",
    "note.sample_nobody": "请确认没有人正在使用本机。",
    "refused.locked_out": "连续输错 5 次，本机 15 分钟内不接受任何卡。",
}  # fmt: skip
_EN = {
    "line.id_card": "ID card reader", "line.ticket_printer": "Ticket printer",
    "line.receipt_printer": "Receipt printer", "line.pos": "Payment terminal",
    "line.sample_state": "State", "line.sample_port": "Port", "line.sample_sheets": "Sheets in all",
    "line.sample_since_refill": "Sheets since the refill", "line.sample_hall": "Hall", "line.sample_address": "Address",
    "line.sample_clock": "This machine's clock", "line.sample_trust": "Trusted time",
    "line.sample_since": "Last started", "line.sample_brightness": "Brightness", "line.sample_volume": "Volume",
    "word.sample_step": "Open the front cover, take the jammed sheet out, close the cover",
    "line.sample_next_step": "Next step", "line.sample_paper_jam": "Receipt printer jammed",
    "word.sample_seen": "seen by the machine", "word.sample_did": "took configuration {value}",
    "line.picture": "the picture", "line.slip": "the slip", "do.sample_wrong": "Is wrong",
    "word.sample_one_broken": "1 device is broken", "word.sample_low": "running low",
    "word.sample_answers": "answers in {value} ms", "word.sample_waiting": "{value} not sent yet",
    "word.sample_works": "works", "word.sample_paper_low": "paper is running low", "word.sample_jammed": "paper jam",
    "word.sample_clock_off": "the clock is {value} s fast", "word.sample_printed": "printed",
    "word.sample_turns_green": "Not right yet; turns green when it is", "do.sample_test_print": "Test print",
    "do.sample_clear": "Clear the jam", "do.sample_reset": "Set counters to nought",
    "do.sample_ask_hall": "Ask the hall",
    "do.sample_check_all": "Check everything", "do.sample_print_report": "Print the report",
    "do.touch_test": "Touch test", "do.calibrate": "Calibrate", "do.leave": "Leave", "do.sample_right": "Is right",
    "do.sample_restart": "Restart the front end", "do.sample_shut_down": "Shut the machine down",
    "do.sample_lock": "Out of service", "do.sample_next": "Done, next step", "do.sample_darker": "Darker",
    "do.sample_brighter": "Brighter", "do.sample_quieter": "Quieter", "do.sample_louder": "Louder",
    "outcome.sample_came_out": "The printer says that it came out: is it legible?",
    "outcome.sample_no_answer": "The hall did not answer within {value} s: look at cable and switch.",
    "outcome.sample_plain": "Brightness is 80 %.", "outcome.sample_warned": "Noted: it restarts after this visit.",
    "note.sample_open_cover": "Stop printing before you open the cover.",
    "note.sample_nobody": "Make sure that nobody is using this machine.",
    "refused.locked_out": "Five wrong PINs in a row: this machine takes no card for 15 minutes.",
}  # fmt: skip


class SampleTexts(Texts):
    """The shipped words and those of the samples; for what nobody has words for, its key."""

    def __init__(self, tree: Mapping[str, object], language: str) -> None:
        super().__init__(tree)
        words = _ZH if language == "zh" else _EN
        self._texts = {f"maintenance.{key}": text for key, text in words.items()} | self._texts
        for place in PLACES:
            self._texts[f"maintenance.line.sample_{place.value}"] = self(
                f"maintenance_screens.place.{place.value}.title"
            )
        for i in range(1, 10):
            self._texts[f"maintenance.line.sample_fault_{i}"] = self("maintenance.word.sample_paper_low")
            self._texts[f"maintenance.line.sample_check_{i}"] = self("maintenance.line.sample_state")

    def __call__(self, key: str, **values: object) -> str:
        return super().__call__(key, **values) if self.has(key) else key
