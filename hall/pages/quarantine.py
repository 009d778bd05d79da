"""``/staff/quarantine``: what kiosks reported and the hall could not accept, both versions side by side."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hall.api import access
from hall.fleet import quarantine
from hall.pages.forms import CLERKS_ONLY, read_form
from hall.pages.render import page
from hall.pages.staff_words import FORMS, TROUBLE
from hall.queue.refusal import Refused
from hall.server import HallServer
from hall.store.writer import StorageFailed
from kiosk.domain.messages import ANOTHER_ROW

_KINDS: Final = {
    "filing_made": "申报",
    "ticket_issued_here": "自助机发的号",
    "ticket_ask_abandoned": "放弃的取号",
    "slip_printed": "小票打印结果",
    "document_printed": "凭证打印结果",
    "payment_begun": "缴款开始",
    "payment_ended": "缴款结果",
}

_NAMES: Final = {
    "kind": "记录",
    "form": "税种",
    "payer": "纳税人",
    "period": "所属期",
    "key": "业务号",
    "total": "金额（元）",
    "declared_at": "申报时间",
    "begun_at": "开始时间",
    "issued_at": "取号时间",
    "at": "记录时间",
    "number": "号码",
    "holder": "持有人",
    "outcome": "结果",
    "why": "说明",
    "paper": "凭证",
    "state": "状态",
    "kiosk": "自助机",
    "elsewhere": "已在别处申报",
    "assessed": "按本厅规则应缴（元）",
}

_OUTCOMES: Final = {"accepted": "已受理", "closed": "已结案"}

#: Why, by the word between ``refused:`` and its field.
_REFUSALS: Final = {
    "not_bound": "申报时间已不是该纳税人的办税人",
    "already_filed": "该所属期已有申报",
    "not_yet_open": "所属期还没有结束",
    "not_registered": "不是该纳税人核定的税种",
    "assessment": "税额与本厅规则算出的不同",
    "invalid": "内容不符合要求",
    "paid_already": "已缴款，不能更正",
    "buyer": "购买方没有登记",
    "key": "同一业务号已有另一份内容",
}

_REASONS: Final = {
    ANOTHER_ROW: "同一序号已有另一条记录：存储盘被恢复或复制过",
    "its hash does not follow from the row before": "与前一条记录接不上",
    "it contradicts what the hall holds": "与本厅已有的记录矛盾",
    "not a fact this hall knows": "本厅不认识的记录",
    "its kind is not that of its body": "记录的种类与内容不符",
    "a number of another series": "不是这台自助机的号",
    "a key that is a ticket already": "这个业务号已有号码",
    "the kiosk is not enrolled any more": "这台自助机已被撤销",
}


def why(reason: str) -> str:
    """In the staff's language; what has no words is shown as it is."""
    word = reason.removeprefix("refused: ").partition(" ")[0]
    return _REASONS.get(reason) or (_REFUSALS.get(word) if reason.startswith("refused: ") else None) or reason


async def quarantine_page(request: Request) -> Response:
    return _page(request, access.person(request).csrf)


def _page(request: Request, csrf: str, problem: str = "", status: int = 200) -> Response:
    hall: HallServer = request.app.state.hall
    with hall.database.reader.connect() as connection:
        waiting = quarantine.waiting(connection, hall.tax)
        ended = quarantine.ended(connection)
    return page(
        request,
        "quarantine.html",
        hall.clock.now(),
        status=status,
        headers=CLERKS_ONLY,
        hall_name=hall.settings.hall.name_zh,
        csrf=csrf,
        waiting=waiting,
        ended=ended,
        problem=problem,
        kinds=_KINDS,
        names=_NAMES,
        forms=FORMS,
        outcomes=_OUTCOMES,
        why=why,
    )


async def settle(request: Request) -> Response:
    """Accept or close one row: 303 to the page, or the page again with what was wrong."""
    session = access.person(request)
    asked = await read_form(request)
    hall: HallServer = request.app.state.hall
    aside, kiosk, note = asked.get("id", ""), hall.keys.get(asked.get("kiosk", "")), asked.get("note", "")
    number = int(aside) if aside.isdecimal() and len(aside) < 16 else -1
    try:
        match asked.get("how"):
            case "accept":
                await hall.writer.run(
                    lambda work: quarantine.accept(work, hall.rules, hall.tax, kiosk, number, session.name, note)
                )
                hall.settler.ring()
            case "close":
                await hall.writer.run(lambda work: quarantine.close(work, number, session.name, note))
            case _:
                raise Refused("not_found", 404, "how")
    except Refused as refused:
        words = TROUBLE.get(refused.problem, TROUBLE["otherwise"])
        if refused.problem == "still":
            words = f"仍不能受理：{why(refused.field or '')}"
        return _page(request, session.csrf, words, refused.status)
    except (StorageFailed, TimeoutError):
        return _page(request, session.csrf, TROUBLE["storage"], 503)
    return RedirectResponse("/staff/quarantine", status_code=303)


routes: list[BaseRoute] = [
    Route("/staff/quarantine", quarantine_page, methods=["GET"]),
    Route("/staff/quarantine", settle, methods=["POST"]),
]
