"""The hall's pages in a real browser: they follow the hall by themselves, and one press counts once.

Pages are marked in their own memory when they are opened: a page that was loaded again would have lost the mark.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

import pytest

from demo.browser import Browser, Tab
from tests.hall.pages_hall import PASSWORD, Clerk, Hall

pytestmark = pytest.mark.e2e

#: What a browser refused to run or load, and what went wrong in a script.
_WATCH = """
window.problems = [];
addEventListener("securitypolicyviolation", (event) => problems.push(event.violatedDirective));
addEventListener("error", (event) => problems.push(event.message));
addEventListener("unhandledrejection", (event) => problems.push(String(event.reason)));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(answer_s=60.0) as browser:
        yield browser


@pytest.fixture(scope="module")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with Hall(tmp_path_factory.mktemp("hall")) as hall:
        yield hall


@pytest.fixture
def hall(_served: Hall) -> Hall:
    _served.clear()
    return _served


class Look(Protocol):
    def __call__(self, path: str, width: int = 1366, height: int = 768, by: Clerk | None = None) -> Tab: ...


@pytest.fixture
def look(browser: Browser, hall: Hall) -> Iterator[Look]:
    """Open a page, watched and marked, in front: a page in the background is drawn and asks more seldom."""
    tabs = []

    def open_page(path: str, width: int = 1366, height: int = 768, by: Clerk | None = None) -> Tab:
        tab = browser.open(hall.url + path, width, height, by.cookies if by else None)
        tabs.append(tab)
        tab.call("Page.enable")
        tab.call("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        tab.go(hall.url + path)
        tab.call("Page.bringToFront")
        tab.evaluate("window.mark = 'first load'")
        return tab

    yield open_page
    for tab in tabs:
        tab.call("Page.close")


def assert_untouched(tab: Tab) -> None:
    """Never loaded again, and nothing was refused by the content security policy."""
    assert tab.evaluate("window.mark") == "first load"
    assert tab.evaluate("problems") == []


def press_key(tab: Tab, key: str, code: int, held: int = 0) -> None:
    """``held``: how often the keyboard repeats it before it is let go. ``code``: Windows' number of the key."""
    name = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
    text = {"text": key} if key == " " else {}
    for repeat in range(held + 1):
        tab.call("Input.dispatchKeyEvent", {"type": "keyDown", "autoRepeat": repeat > 0, **name, **text})
    tab.call("Input.dispatchKeyEvent", {"type": "keyUp", **name})


def wait_for_page(tab: Tab, text: str) -> None:
    """Until a page with this text has come: between two pages there is no body to look at."""
    tab.wait_for(f"document.body?.innerText.includes('{text}')", f"a page says {text}")


def latest(number: str, window: str) -> str:
    """True on a board that shows this call as its latest."""
    there = "document.querySelector('#latest .%s').textContent"
    return f"{there % 'number'} === '{number}' && {there % 'window'} === '{window}'"


def test_a_board_shows_each_call_without_being_loaded_again(hall: Hall, look: Look) -> None:
    board = look("/board", 1920, 1080)
    first, second = hall.take().number, hall.take().number
    board.wait_for("document.getElementById('waiting').textContent === '2'", "two people wait")
    one, other = hall.clerk(window="1"), hall.clerk("林国华", "2")
    assert one.call_next() == first
    board.wait_for(latest(first, "1"), "the first call is shown")
    assert other.call_next() == second
    board.wait_for(latest(second, "2"), "the second call is shown")
    recent = board.evaluate("document.querySelector('#recent li').innerText.split(/\\s+/)")
    assert recent == [first, "1"]
    assert board.evaluate("document.getElementById('latest').classList.contains('new')"), "a new call is marked"
    one.press("recall", number=first).raise_for_status()
    board.wait_for(latest(first, "1"), "the recalled number is the latest again")
    shown = board.evaluate("[...document.querySelectorAll('.number')].map((number) => number.textContent)")
    assert shown[:2] == [first, second]
    assert shown.count(first) == 1
    assert_untouched(board)


def test_a_board_that_lost_the_hall_says_so_and_catches_up(hall: Hall, look: Look) -> None:
    numbers = [hall.take().number for _ in range(3)]
    clerk = hall.clerk()
    board = look("/board", 1920, 1080)
    clerk.call_next()
    board.wait_for(latest(numbers[0], "1"), "the first call is shown")
    hall.stop()
    board.wait_for("!document.getElementById('stale').hidden", "the board says that it is not up to date")
    assert "画面停在" in board.text()
    hall.start()
    for number in numbers[:2]:
        clerk.press("finish", number=number).raise_for_status()
        clerk.call_next()
    board.wait_for(latest(numbers[2], "1"), "what was called in the meantime is shown")
    board.wait_for("document.getElementById('stale').hidden", "the sign is gone")
    assert_untouched(board)


def test_a_clerk_works_with_keys_and_never_loads_the_page(hall: Hall, look: Look) -> None:
    clerk = hall.clerk()
    window = look("/window", by=clerk)
    window.wait_for_text("现在没有人等候")
    served = clerk.view()["served_today"]
    number = hall.take(holder="李* 3506**********1234").number
    window.wait_for_text("窗口空闲，下一位是")
    press_key(window, "F8", 119)
    window.wait_for_text("已叫号")
    assert "李* 3506**********1234" in window.text()
    press_key(window, "F4", 115)
    window.wait_for_text("办理中")
    following = hall.take().number
    window.wait_for_text(following)
    press_key(window, "F8", 119)
    window.wait_for(f"document.querySelector('#current .number').textContent === '{following}'", "the next is here")
    view = clerk.view()
    assert (view["current"]["number"], view["served_today"]) == (following, served + 1), f"{number} is finished"
    assert_untouched(window)


def test_a_double_click_and_a_held_key_count_once(hall: Hall, look: Look) -> None:
    for _ in range(4):
        hall.take()
    clerk = hall.clerk()
    window = look("/window", by=clerk)
    window.evaluate(
        "window.posts = 0; const sent = fetch;"
        "window.fetch = (to, how = {}) => { posts += how.method === 'POST'; return sent(to, how); };"
    )
    window.evaluate("{ const next = document.querySelector('[data-key=F8]'); next.click(); next.click(); }")
    window.wait_for_text("已叫号")
    window.wait_for("!document.body.classList.contains('sending')", "the press is answered")
    assert window.evaluate("posts") == 1
    window.evaluate("document.querySelector('[data-key=F2]').focus()")
    for calls, (key, code) in enumerate(((" ", 32), ("F2", 113)), 2):
        press_key(window, key, code, held=5)
        window.wait_for_text(f"第 {calls} 次")
        time.sleep(1.0)  # a second press is taken for an echo of the first for a moment
        assert window.evaluate("posts") == calls
    assert clerk.view()["current"]["calls"] == 3


def test_a_press_on_a_stale_screen_is_refused_in_words(hall: Hall, look: Look) -> None:
    hall.take()
    clerk = hall.clerk()
    clerk.call_next()
    window = look("/window", by=clerk)
    window.evaluate("document.querySelector('[data-action=finish]').dataset.number = 'A999'")
    press_key(window, "F9", 120)
    window.wait_for_text("这个号码刚刚变了，画面已更新")
    assert clerk.view()["current"] is not None


def test_a_ticket_is_transferred_to_the_window_that_is_chosen(hall: Hall, look: Look) -> None:
    number = hall.take().number
    clerk, other = hall.clerk(), hall.clerk("林国华", "2")
    clerk.call_next()
    window = look("/window", by=clerk)
    press_key(window, "F7", 118)
    window.wait_for_text(f"把 {number} 转到哪里？")
    assert window.evaluate("document.querySelector('[data-to=\"3\"]').disabled"), "window 3 is not open"
    window.evaluate("document.querySelector('[data-to=\"2\"]').click()")
    window.wait_for_text("现在没有人等候")
    assert other.view()["line"][0]["number"] == number
    assert other.view()["line"][0]["reason"] == "transferred_here"


def test_a_window_that_lost_the_hall_says_so_and_resumes_by_itself(hall: Hall, look: Look) -> None:
    window = look("/window", by=hall.clerk())
    hall.stop()
    window.wait_for_text("连接中断，正在重连")
    hall.start()
    number = hall.take().number
    window.wait_for_text(number, seconds=40)
    window.wait_for("document.getElementById('lost').hidden", "the warning is gone")
    assert_untouched(window)


def test_a_login_that_has_ended_leads_to_the_login_page(hall: Hall, look: Look) -> None:
    clerk = hall.clerk()
    window = look("/window", by=clerk)
    clerk.log_out()
    hall.take()
    wait_for_page(window, "登录已结束，请重新登录")


def test_a_phone_taken_out_of_the_pocket_shows_where_its_ticket_is_now(hall: Hall, look: Look) -> None:
    ticket = hall.take()
    phone = look(f"/t/{ticket.token}?lang=zh", 390, 844)
    phone.wait_for_text("下一位就是您")
    hall.clerk(window="3").call_next()
    phone.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    phone.wait_for_text("请到 3 号窗口")
    assert phone.evaluate("document.title") == f"{ticket.number} · 请到 3 号窗口"
    assert phone.evaluate("document.documentElement.scrollWidth") == 390, "nothing runs off the screen"
    assert_untouched(phone)


def test_a_phone_that_cannot_reach_the_hall_says_that_the_number_stays_valid(hall: Hall, look: Look) -> None:
    phone = look(f"/t/{hall.take().token}?lang=zh", 390, 844)
    hall.stop()
    phone.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    phone.wait_for_text("号码一直有效")
    hall.start()
    phone.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    phone.wait_for("document.getElementById('trouble').hidden", "the hall answers again")


@pytest.mark.parametrize(("width", "height"), [(1366, 650), (1366, 768), (1920, 1080)])
def test_on_a_desk_monitor_no_button_or_text_is_cut_off(hall: Hall, look: Look, width: int, height: int) -> None:
    for _ in range(25):
        hall.take("SW-010101", holder="欧*娜 3506**********003X", ticket_class="priority")
    clerk = hall.clerk()
    for put_aside in ("park", "no-show"):
        clerk.press(put_aside, number=clerk.call_next()).raise_for_status()
    clerk.call_next()
    window = look("/window", width, height, by=clerk)
    cut = window.evaluate(
        "[...document.querySelectorAll('button, h1, #current .number, #current dd, .pill')].filter((part) => {"
        " const box = part.getBoundingClientRect();"
        " return box.width && !part.closest('.rows') && !part.closest('dialog') && (box.right > innerWidth ||"
        "  box.bottom > innerHeight || part.scrollWidth > part.clientWidth + 1 && part.clientWidth);"
        "}).map((part) => part.textContent)"
    )
    assert cut == []


@pytest.mark.parametrize("number", ["A057", "A1057", "K3-001", "K12-014", "K12-0014", "K999-0001"])
def test_on_board_and_phone_the_longest_numbers_still_fit(hall: Hall, look: Look, number: str) -> None:
    hall.take()
    hall.take()
    clerk = hall.clerk()
    clerk.press("finish", number=clerk.call_next()).raise_for_status()
    clerk.call_next()
    token = hall.take().token
    for path, width, height, parts in (
        ("/board", 1920, 1080, "#latest .number, #recent li:first-child .number"),
        (f"/t/{token}", 390, 844, ".ticket .number"),
    ):
        page = look(path, width, height)
        too_wide = page.evaluate(
            f"[...document.querySelectorAll('{parts}')].filter((part) => {{"
            f" part.textContent = '{number}'; part.dataset.length = '{len(number)}';"
            " const text = document.createRange(); text.selectNodeContents(part);"
            " const box = text.getBoundingClientRect();"
            " const next = part.nextElementSibling?.matches('.window') && part.nextElementSibling;"
            " const room = part.closest('section').getBoundingClientRect();"
            " const right = next ? next.getBoundingClientRect().left : room.right;"
            " return box.left < room.left || box.right > right; }).map((part) => part.outerHTML)"
        )
        assert too_wide == []


def test_a_clerk_logs_in_and_out_with_the_form_of_the_page(hall: Hall, look: Look) -> None:
    page = look("/login")
    fill = (
        "for (const [id, value] of Object.entries({name: '陈晓芳', password: '%s', window: '2'}))"
        " document.getElementById(id).value = value;"
        "document.querySelector('form').requestSubmit()"
    )
    page.evaluate(fill % "not-the-password")
    wait_for_page(page, "登录名或密码不对")
    page.evaluate(fill % PASSWORD)
    wait_for_page(page, "现在没有人等候")
    assert page.evaluate("document.cookie") == "", "no script can read the session"
    page.evaluate("document.querySelector('form[action=\"/logout\"]').requestSubmit()")
    page.wait_for("location.pathname === '/login'", "the clerk is logged out")
