"""``make run``: a hall, both bureaus, a kiosk and its devices as real processes, and the visits of one person: a number
is taken and called, a return is filed and paid, a certificate printed, an invoice issued on behalf.

Ends with exit 0 after these visits when standard input is not a terminal, else stays until Ctrl-C. Pictures of all that
was seen lie in var/demo/.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import NoReturn

from demo import taxes
from demo.browser import Browser
from demo.clerk import Clerk
from demo.display import Display
from demo.people import OUYANG
from demo.processes import Failed, wait_until
from demo.stage import CLERK, ID_CARD, PORTRAIT, RECEIPT_PRINTER, Size, Stage, window_that_fits

FOLDER = Path("var/demo")
TAXPAYERS = 2_000
PHONE = Size(390, 844)
BOARD = Size(1920, 1080)
DESK = Size(1280, 800)

#: In the order in which they leave the receipt printer.
PAPERS = ("receipt", "certificate", "invoice-receipt", "invoice")


def main() -> int:
    signal.signal(signal.SIGTERM, _end)
    visited = False
    try:
        _clear()
        display = _display_in_front_of_us()
        size = window_that_fits(display) if display else PORTRAIT
        print(
            f"Starting the hall with {TAXPAYERS:,} taxpayers, both bureaus, the simulated devices and the kiosk ...",
            flush=True,
        )
        with Stage(FOLDER / "stage", size, display.name if display else None, TAXPAYERS) as stage:
            with stage.clerk() as clerk:
                _visit(stage)
                _call(stage, clerk)
                _taxes(stage)
                _books(stage, clerk)
            visited = True
            _say_where_to_look(stage)
            if sys.stdin.isatty():
                print("\nEverything goes on until Ctrl-C.", flush=True)
                signal.pause()
    except (Failed, OSError) as problem:
        print(f"The visit did not succeed: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; nothing is left running.")
        return 0 if visited else 130
    return 0


def _clear() -> None:
    """What an earlier run has left would be mistaken for this one's. Raises OSError where it is somebody else's."""
    for left in FOLDER.glob("*.png"):
        left.unlink()
    if (FOLDER / "stage").exists():
        shutil.rmtree(FOLDER / "stage")


def _visit(stage: Stage) -> None:
    visitor = stage.visitor

    def step(name: str, words: str) -> None:
        visitor.picture(FOLDER / f"{name}.png")
        print(f"  {words}", flush=True)

    wait_until(lambda: "hall-answers" in stage.kiosk.said, 20, "the kiosk has asked the hall", stage.kiosk)
    step("01-home", "The kiosk shows its home page.")
    visitor.touches("take_number")
    visitor.waits_for("identify")
    step("02-identify", "A visitor touches 取号 and is asked for the ID card.")
    stage.lays_card(OUYANG)
    visitor.waits_for("choose_service")
    stage.do(ID_CARD, "lift")
    visitor.types("ZZS")
    service = wait_until(lambda: visitor.sees("service."), 15, "ZZS finds a service", stage.kiosk)
    step("03-services", f"The card is read ({OUYANG.masked}); the visitor types ZZS.")
    visitor.touches(service)
    visitor.waits_for("service_detail")
    step("04-detail", "What to bring for the chosen service.")
    visitor.touches("next")
    visitor.waits_for("confirm")
    step("05-confirm", "The last look before the number.")
    visitor.touches("next")
    visitor.waits_for("issuing")
    step("06-issuing", "The number is asked for, stored and printed.")
    visitor.waits_for("take_ticket")
    step("07-ticket", "The slip is out; the number stands on the screen.")
    slip = wait_until(stage.slip_pictures, 20, "the slip has left the printer", stage.devices)[-1]
    shutil.copy(slip, FOLDER / "slip.png")
    visitor.touches("next")
    visitor.waits_for("home")


def _call(stage: Stage, clerk: Clerk) -> None:
    """The window calls the number; board and window show it by themselves, the holder looks on a phone."""
    slip = stage.last_slip()
    with Browser() as browser:
        board = browser.open(f"{stage.hall_url}/board", BOARD.width, BOARD.height)
        window = browser.open(f"{stage.hall_url}/window", DESK.width, DESK.height, clerk.cookies)
        called = clerk.call_next()
        if called != slip.number:
            raise Failed(f"the window was given {called}, the slip says {slip.number}")
        board.wait_for_text(called)
        # Calls are shown at once, the length of the line twice a second.
        board.wait_for("!document.body.innerText.replace(/\\s/g, '').includes('等候1人')", "the line is counted anew")
        window.wait_for_text("已叫号")
        phone = browser.open(slip.link, PHONE.width, PHONE.height)
        phone.wait_for_text("现在轮到您了")
        for tab, name in ((board, "board"), (phone, "phone"), (window, "window")):
            tab.picture(FOLDER / f"{name}.png")
    clerk.start(called)
    clerk.finish(called)
    print(
        f"  Window {clerk.window} calls {called}; board and phone show it; {called} is served and finished.", flush=True
    )


def _taxes(stage: Stage) -> None:
    """File, pay, prove; and an invoice on behalf. Every page and every paper is kept as a picture."""
    seen = 10

    def step(name: str, words: str) -> None:
        nonlocal seen
        seen += 1
        stage.visitor.picture(FOLDER / f"{seen}-{name}.png")
        print(f"  {words}", flush=True)

    filed = taxes.files_and_pays(stage, OUYANG, step)
    taxes.prints_certificate(stage, OUYANG, filed.taxpayer, step)
    taxes.has_invoice_issued(stage, OUYANG, step)
    for name, slip in zip(PAPERS, stage.slip_pictures(RECEIPT_PRINTER), strict=False):
        shutil.copy(slip, FOLDER / f"paper-{name}.png")


def _books(stage: Stage, clerk: Clerk) -> None:
    """What everybody's books say afterwards: the terminal's, and each bureau's."""
    charged = sum(charge["fen"] for charge in stage.charges())
    entered = {
        name: sum(entry["amount"] for entry in bureau.ledger()["entries"]) for name, bureau in stage.bureaus.items()
    }
    if charged != sum(entered.values()):
        raise Failed(f"the terminal charged {charged} fen, the bureaus entered {entered}")
    print(
        f"  Charged {charged / 100:,.2f} yuan; entered {entered['state'] / 100:,.2f} at the state bureau and"
        f" {entered['local'] / 100:,.2f} at the local one: the books agree.",
        flush=True,
    )
    # The terminal's own day reaches the hall a few seconds after a charge.
    wait_until(lambda: not stage.differences(), 40, "terminal, kiosk, hall and bureaus agree about the day", stage.hall)
    with Browser() as browser:
        for page in ("filings", "reconciliation"):
            tab = browser.open(f"{stage.hall_url}/staff/{page}", DESK.width, DESK.height, clerk.cookies)
            tab.picture(FOLDER / f"staff-{page}.png")


def _say_where_to_look(stage: Stage) -> None:
    print(
        f"""
Where to look
  board    {stage.hall_url}/board
  hall     {stage.hall_url}/
  ticket   {stage.last_slip().link}
  window   {stage.hall_url}/window   (clerk {CLERK}, password {stage.password})
  staff    {stage.hall_url}/staff/filings, /staff/reconciliation   (the same clerk)
  bureaus  {", ".join(bureau.url for bureau in stage.bureaus.values())}
  kiosk    display {stage.display.name}
  pictures {FOLDER}/01-home.png to 28-invoice-finished.png; slip.png, paper-*.png; board, window, phone, staff-*.png
  logs     {stage.folder}/logs/
  devices  taxkiosk bench do DEVICE ACTION --dir {stage.bench}""",
        flush=True,
    )


def _display_in_front_of_us() -> Display | None:
    """The person's own display, where there is one that can be used; else the kiosk gets a virtual one."""
    name = os.environ.get("DISPLAY")
    if not name:
        return None
    display = Display(name)
    try:
        display.run("xdotool", "getdisplaygeometry")
    except Failed:
        return None
    return display


def _end(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
