"""The hall's pages over HTTP, against the server's own process."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import get_args

import httpx2
import pytest

from hall.pages.phone import expected, preferred, tell
from hall.pages.words import REASONS, REFUSALS, TEXTS, Language
from hall.queue.views import OrderReason
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.messages import TicketView, Wait
from kiosk.domain.ticket import TicketState
from tests.hall.pages_hall import PASSWORD, Hall

NOW = datetime(2026, 11, 24, 9, 42, tzinfo=HALL_ZONE)
SERVICE = "SW-010101"


@pytest.fixture(scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with Hall(tmp_path_factory.mktemp("hall")) as hall:
        yield hall


@pytest.fixture
def hall(_served: Hall) -> Hall:
    """The hall in the morning: no clerk at a window, nobody in line, whatever earlier tests left."""
    _served.clear()
    return _served


def get(hall: Hall, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(hall.url + path, headers=headers, timeout=30.0, trust_env=False)


class Elements(HTMLParser):
    """Every element of a page with its attributes, and what is inside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._tag = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._tag = tag

    def handle_data(self, data: str) -> None:
        if self._tag in ("script", "style"):
            self.inline += data.strip()

    def button(self, action: str) -> dict[str, str | None]:
        (button,) = [attrs for tag, attrs in self.found if tag == "button" and attrs.get("data-action") == action]
        return button


# ---- clerks --------------------------------------------------------------------------------------------------------


def test_a_clerk_logs_in_by_the_form_and_calls_who_waits(hall: Hall) -> None:
    ticket = hall.take(SERVICE, holder="欧*娜 3506**********003X")
    clerk = hall.clerk(window="2")
    assert ticket.number in clerk.page()
    assert clerk.call_next() == ticket.number
    page = clerk.page()
    assert "已叫号" in page
    assert "欧*娜 3506**********003X" in page
    assert "营业执照" in page, "the papers to bring"


@pytest.mark.parametrize(
    ("name", "password", "window", "status", "says"),
    [
        ("陈晓芳", "not the password", "1", 401, "登录名或密码不对"),
        ("nobody", PASSWORD, "1", 401, "登录名或密码不对"),
        ("陈晓芳", PASSWORD, "77", 404, "没有这个窗口"),
    ],
)
def test_who_may_not_log_in_is_told_why_and_keeps_the_name(
    hall: Hall, name: str, password: str, window: str, status: int, says: str
) -> None:
    answer = hall.visitor().log_in(name, window, password)
    assert answer.status_code == status
    assert says in answer.text
    assert f'value="{name}"' in answer.text
    assert password not in answer.text


def test_a_window_where_another_clerk_sits_is_said_to_be_taken(hall: Hall) -> None:
    hall.clerk("林国华", "3")
    answer = hall.visitor().log_in("陈晓芳", "3")
    assert answer.status_code == 409
    assert "已有人登录" in answer.text


def test_another_site_can_neither_log_a_clerk_in_nor_out(hall: Hall) -> None:
    visitor = hall.visitor()
    asked = {"name": "陈晓芳", "password": PASSWORD, "window": "1"}
    elsewhere = {"Origin": "https://elsewhere.example"}
    assert visitor.http.post("/login", data=asked, headers=elsewhere).status_code == 403
    clerk = hall.clerk()
    assert clerk.http.post("/logout", data={"csrf": "guessed"}).status_code == 403
    assert clerk.http.get("/window").status_code == 200
    assert clerk.http.post("/logout", data={"csrf": clerk.csrf}).headers["location"] == "/login"
    assert clerk.http.get("/window").headers["location"].startswith("/login")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=1&" * 9, b"name=" + b"x" * 20_000])
def test_a_form_that_is_none_is_refused_and_harms_nothing(hall: Hall, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert hall.visitor().http.post("/login", content=body, headers=headers).status_code in (413, 422)


def test_without_a_login_the_window_leads_to_it(hall: Hall) -> None:
    assert get(hall, "/window").headers["location"] == "/login"
    ended = get(hall, "/window", Cookie="hall_session=of-yesterday").headers["location"]
    assert "登录已结束" in get(hall, ended).text


def test_only_buttons_that_work_now_are_enabled(hall: Hall) -> None:
    clerk = hall.clerk()

    def enabled() -> set[str]:
        actions = ("call-next", "recall", "start", "no-show", "park", "finish")
        page = Elements(clerk.page())
        return {action for action in actions if "disabled" not in page.button(action)}

    assert enabled() == set()
    hall.take()
    hall.take()
    assert enabled() == {"call-next"}
    number = clerk.call_next()
    assert enabled() == {"recall", "start", "no-show", "park", "finish"}, "who is only called is not finished by next"
    clerk.press("start", number=number).raise_for_status()
    assert enabled() == {"call-next", "park", "finish"}
    assert "data-finish" in Elements(clerk.page()).button("call-next")


def test_parked_and_absent_tickets_are_listed_with_the_way_back(hall: Hall) -> None:
    clerk = hall.clerk()
    parked, absent = hall.take().number, hall.take().number
    assert clerk.call_next() == parked
    clerk.press("park", number=parked).raise_for_status()
    assert clerk.call_next() == absent
    clerk.press("no-show", number=absent).raise_for_status()
    page = clerk.page()
    assert re.search(rf'data-action="resume" data-number="{parked}">恢复', page)
    assert re.search(rf'data-action="call-number" data-number="{absent}">再叫', page)
    clerk.press("resume", number=parked).raise_for_status()
    clerk.press("finish", number=parked).raise_for_status()


def test_what_a_kiosk_sends_is_shown_as_text_never_as_markup(hall: Hall) -> None:
    hall.take(holder="<script>alert(1)</script>")
    clerk = hall.clerk()
    clerk.call_next()
    page = clerk.page()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


# ---- the board and the hall ----------------------------------------------------------------------------------------


def test_the_board_is_whole_before_any_script_runs(hall: Hall) -> None:
    first, second = hall.take().number, hall.take().number
    clerk = hall.clerk()
    clerk.press("finish", number=clerk.call_next()).raise_for_status()
    clerk.call_next()
    hall.take()
    page = get(hall, "/board").text
    latest, recent = page.split('id="recent"')
    assert f">{second}<" in latest
    assert '<b class="window">1</b>' in latest
    assert f">{first}<" in recent
    assert '<b class="figure" id="waiting">1</b>' in recent
    assert '<b class="figure" id="windows-open">1</b>' in recent


def test_anybody_may_read_how_busy_the_hall_is(hall: Hall) -> None:
    hall.take()
    page = get(hall, "/", **{"Accept-Language": "zh-CN"}).text
    assert re.search(r"正在等候</dt><dd class=\"figure\">1<", page)
    assert "现在没有窗口开放" in page
    assert "Waiting now" in get(hall, "/?lang=en").text


# ---- phones --------------------------------------------------------------------------------------------------------


def test_a_phone_follows_its_ticket_from_the_line_to_the_end(hall: Hall) -> None:
    ahead, ticket = hall.take(), hall.take(SERVICE)
    path = f"/t/{ticket.token}?lang=zh"
    page = get(hall, path).text
    assert ticket.number in page
    assert re.search(r"前面还有</small>1<small>人", page)
    assert "一照一码户信息采集" in page
    clerk = hall.clerk(window="3")
    assert clerk.call_next() == ahead.number
    assert "下一位就是您" in get(hall, path).text
    clerk.press("finish", number=ahead.number).raise_for_status()
    # A forecast is made anew a moment after a window has opened.
    deadline = time.monotonic() + 20
    while not re.search(r"预计叫到您</dt><dd>\d\d:\d\d", get(hall, path).text):
        assert time.monotonic() < deadline, "no expected time on the page"
        time.sleep(0.1)
    clerk.call_next()
    assert "请到 3 号窗口" in get(hall, path).text
    clerk.press("no-show", number=ticket.number).raise_for_status()
    assert "过号 3 位以内：直接到" in get(hall, path).text
    clerk.press("call-number", number=ticket.number).raise_for_status()
    clerk.press("start", number=ticket.number).raise_for_status()
    assert "正在 3 号窗口办理" in get(hall, path).text
    clerk.press("finish", number=ticket.number).raise_for_status()
    assert "已办结" in get(hall, path).text


def test_a_phone_is_answered_304_until_its_ticket_changes(hall: Hall) -> None:
    ticket = hall.take()
    path = f"/t/{ticket.token}"
    clerk = hall.clerk()
    clerk.call_next()
    first = get(hall, path)
    etag = first.headers["ETag"]
    again = get(hall, path, **{"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == etag
    clerk.press("start", number=ticket.number).raise_for_status()
    changed = get(hall, path, **{"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag
    assert get(hall, f"{path}?lang=en").headers["ETag"] != get(hall, f"{path}?lang=zh").headers["ETag"]


def test_a_phone_without_javascript_asks_again_by_itself(hall: Hall) -> None:
    page = get(hall, f"/t/{hall.take().token}").text
    assert re.search(r'<noscript><meta http-equiv="refresh" content="\d+"></noscript>', page)


def test_a_phone_is_answered_in_the_language_it_asks_for(hall: Hall) -> None:
    path = f"/t/{hall.take(SERVICE).token}"
    assert "等候中" in get(hall, path).text or "下一位就是您" in get(hall, path).text
    english = get(hall, path, **{"Accept-Language": "en-GB,en;q=0.9"})
    assert '<html lang="en"' in english.text
    assert "Your number" in english.text
    assert "Xiangcheng Tax Hall" in english.text
    assert "您的号码" in get(hall, f"{path}?lang=zh", **{"Accept-Language": "en"}).text
    assert "Accept-Language" in english.headers["Vary"]


@pytest.mark.parametrize("token", ["0" * 22, "zz", "%3Cb%3E", "' OR 1=1 --"])
def test_an_unknown_ticket_gets_a_clear_page_that_looks_again(hall: Hall, token: str) -> None:
    answer = get(hall, f"/t/{token}")
    assert answer.status_code == 404
    assert "没有找到这张号票" in answer.text
    assert 'http-equiv="refresh"' in answer.text
    assert "<b>" not in answer.text


def test_a_phone_page_says_nothing_of_who_the_holder_is(hall: Hall) -> None:
    ticket = hall.take(holder="欧*娜 3506**********003X")
    page = get(hall, f"/t/{ticket.token}").text
    assert "欧" not in page
    assert "003X" not in page


# ---- all pages -----------------------------------------------------------------------------------------------------


def test_no_page_needs_a_script_or_style_that_the_policy_forbids(hall: Hall) -> None:
    token = hall.take(SERVICE).token
    clerk = hall.clerk()
    clerk.call_next()
    answers = [get(hall, path) for path in ("/", "/board", "/login", f"/t/{token}", "/t/unknown")]
    answers.append(clerk.http.get("/window"))
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
        page = Elements(answer.text)
        assert page.inline == "", answer.url
        for tag, attributes in page.found:
            assert not [name for name in attributes if name == "style" or name.startswith("on")], (answer.url, tag)
        for file in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
            assert get(hall, file).status_code == 200, file


def test_what_clerks_see_is_kept_in_no_cache(hall: Hall) -> None:
    assert hall.clerk().http.get("/window").headers["Cache-Control"] == "no-store"


# ---- words ---------------------------------------------------------------------------------------------------------


def test_both_languages_say_everything() -> None:
    assert TEXTS["zh"].keys == TEXTS["en"].keys


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("state", TicketState)
def test_every_state_of_a_ticket_is_said_in_words(state: TicketState, language: Language) -> None:
    ticket = TicketView("A001", state, NOW, "t", ahead=2, window="3")
    told = tell(ticket, TEXTS[language], may_return=3)
    assert told.title
    assert not re.search(r"[{}]", "".join((told.title, *told.lines)))


def test_who_was_away_is_not_sent_back_to_a_window_that_takes_nobody_back() -> None:
    ticket = TicketView("A001", TicketState.NO_SHOW, NOW, "t", window="3")
    assert tell(ticket, TEXTS["zh"], may_return=0).lines[1:] == ("请在自助机上重新取号。",)


def test_reasons_and_refusals_have_words() -> None:
    assert set(REASONS) == set(OrderReason)
    named = {"window_busy", "window_closed", "window_taken", "nobody_waiting", "nothing_here", "stale", "passed"}
    named |= {"in_line", "not_allowed", "no_such_ticket", "no_such_window", "wrong_login", "slow_down", "storage"}
    assert named <= set(REFUSALS)


@pytest.mark.parametrize(
    ("wait", "says"),
    [(None, None), (Wait(8, 15), "09:50 – 09:57"), (Wait(5, 5), "09:47"), (Wait(10, 30), "09:52 – 10:12")],
)
def test_the_expected_time_is_a_range_of_clock_times(wait: Wait | None, says: str | None) -> None:
    assert expected(wait, NOW) == says
    late = expected(Wait(0, 20), NOW + timedelta(hours=14, minutes=8))
    assert late == "23:50 – 00:10"


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "zh"),
        (None, "en-GB,en;q=0.9,zh;q=0.1", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "fr-FR,en;q=0.5", "en"),
        (None, "fr, ;;q=, en;q=x", "zh"),
        ("en", "zh-CN", "en"),
        ("zh", "en", "zh"),
        ("klingon", "en", "en"),
    ],
)
def test_the_language_is_the_one_asked_for(asked: str | None, accepted: str, language: Language) -> None:
    assert preferred(asked, accepted) == language
