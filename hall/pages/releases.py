"""``/staff/releases``: which release is on its way, who runs what, who failed and why; halt, resume, withdraw."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hall.api import access
from hall.fleet import rollout
from hall.fleet.releases import BadDraft
from hall.pages.forms import CLERKS_ONLY, read_form
from hall.pages.render import page
from hall.pages.staff_words import TROUBLE
from hall.queue.refusal import Refused
from hall.server import HallServer
from hall.store.writer import StorageFailed

_STATES: Final = {
    "rolling": ("推送中", "care"),
    "halted": ("已暂停", "bad"),
    "done": ("已完成", "good"),
    "withdrawn": ("已撤回", "quiet"),
    "drafted": ("草稿", "quiet"),
}

#: Where a kiosk's configuration stands (kiosk.domain.fleet.Slot).
_SLOTS: Final = {
    "shipped": "出厂配置",
    "trying": "试运行",
    "healthy": "正常",
    "rolled_back": "已退回",
    "refused": "已拒收",
    "": "尚未上报",
}

#: First words of a problem, and what they mean. What follows a colon is shown as it is: a file, a device.
_PROBLEMS: Final = {
    "invalid": "内容不符合要求",
    "audience": "不是发给这台自助机的",
    "unsigned": "签名不足",
    "expired": "签名已过期",
    "older": "比已见过的旧",
    "tampered": "内容与签名不符",
    "unknown": "没有这个已签名的版本",
    "too_large": "文件过大",
    "no_root": "这台自助机没有信任根，请重新登记",
    "unreachable": "取不到文件，会再试",
    "storage": "存储盘不能写入",
    "waiting": "等当前办理结束后启用",
    "crashed": "启动后反复退出",
    "damaged": "存储盘上的文件损坏",
    "step-failed": "运行中出错",
    "not-drawn": "画面没有显示",
    "loop": "停止响应",
    "worker": "后台任务停止",
    "store": "数据库不能写入",
    "device": "原来正常的设备不能用了",
    "technician": "运维人员退回",
    "overdue": "超时没有完成",
    "defect": "程序出错",
    "overtaken by": "已被新版本取代：",
}

_DEVICES: Final = {
    "id_card": "身份证阅读器",
    "ticket_printer": "取号打印机",
    "receipt_printer": "凭条打印机",
    "pos": "POS 终端",
    "smart_card": "智能卡读卡器",
}

_ROLES: Final = {"root": "根", "targets": "发布", "snapshot": "快照", "timestamp": "时间戳"}


def why(problem: str | None) -> str:
    """In the staff's language; what has no words is shown as it is."""
    if not problem:
        return ""
    kiosk, _, rest = problem.partition(": ")
    if kiosk.startswith("K") and kiosk[1:].isdigit() and rest:
        state, _, reason = rest.partition(" ")
        return f"{kiosk}：{_SLOTS[state]}，{why(reason)}" if state in _SLOTS else f"{kiosk}：{why(rest)}"
    for word, told in _PROBLEMS.items():
        if problem == word or problem.startswith((f"{word}:", f"{word} ")):
            about = problem.removeprefix(word).lstrip(": ")
            return f"{told} {_DEVICES.get(about, about)}".strip()
    return problem


async def releases_page(request: Request) -> Response:
    return _page(request)


def _page(request: Request, problem: str = "", status: int = 200) -> Response:
    hall: HallServer = request.app.state.hall
    session = access.person(request)
    with hall.database.reader.connect() as connection:
        releases = rollout.releases(connection)
        kiosks = rollout.kiosks(connection)
    try:
        expires = hall.releases.expires()
    except BadDraft:
        expires = {}
    return page(
        request,
        "releases.html",
        hall.clock.now(),
        status=status,
        headers=CLERKS_ONLY,
        hall_name=hall.settings.hall.name_zh,
        csrf=session.csrf,
        may_act=access.may(session, "POST", "/staff/releases"),
        releases=releases,
        kiosks=kiosks,
        newest=max((each.number for each in releases if each.state == "done"), default=0),
        expires=expires,
        problem=problem,
        states=_STATES,
        slots=_SLOTS,
        roles=_ROLES,
        why=why,
    )


async def act(request: Request) -> Response:
    """Halt, resume or withdraw one release: 303 to the page, or the page again with what was wrong."""
    session = access.person(request)
    asked = await read_form(request)
    hall: HallServer = request.app.state.hall
    told = asked.get("release", "")
    number = int(told) if told.isdecimal() and len(told) < 10 else -1
    try:
        match asked.get("how"):
            case "halt":
                note = asked.get("note", "").strip() or session.name
                await hall.writer.run(lambda work: rollout.halt(work, number, session.name, note[:200]))
            case "resume":
                await hall.writer.run(lambda work: rollout.resume(work, number, session.name))
            case "withdraw":
                await hall.writer.run(lambda work: rollout.withdraw(work, number, session.name))
            case _:
                raise Refused("not_found", 404, "how")
    except Refused as refused:
        return _page(request, TROUBLE.get(refused.problem, TROUBLE["otherwise"]), refused.status)
    except (StorageFailed, TimeoutError):
        return _page(request, TROUBLE["storage"], 503)
    return RedirectResponse("/staff/releases", status_code=303)


routes: list[BaseRoute] = [
    Route("/staff/releases", releases_page, methods=["GET"]),
    Route("/staff/releases", act, methods=["POST"]),
]
