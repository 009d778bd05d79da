"""Start to the first page that takes a touch, and memory: our front end against Chromium in kiosk mode.

Both on the same virtual screen without a graphics card, turn by turn, with a warm file cache. Chromium shows
``home.html``, a page like our home page, from a server on this machine, and says itself when it has been drawn; our
front end has drawn its home page when it says where its touch targets are. Memory is the proportional set size (PSS) of
the whole process tree three seconds later.
"""

from __future__ import annotations

import http.server
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.row import Row
from demo.processes import Process, wait_until
from demo.stage import Stage

ROUNDS = 5
SETTLE_S = 3.0
PAGE = Path(__file__).with_name("home.html")


@dataclass(frozen=True)
class Run:
    """``seconds`` from exec to the first page that takes a touch; ``mib`` of memory after it has settled."""

    seconds: float
    mib: float


def rows() -> list[Row]:
    ours: list[Run] = []
    chromium: list[Run] = []
    bare: list[Run] = []
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder) / "stage") as stage, PageServer() as page:
        stage.kill_kiosk()
        for round_number in range(ROUNDS + 1):
            one = _run_ours(stage)
            other = _run_chromium(stage, page, Path(folder) / f"browser-{round_number}")
            least = _run_bare(stage, Path(folder) / f"bare-{round_number}")
            if round_number:  # The first of each only fills the file cache.
                ours.append(one)
                chromium.append(other)
                bare.append(least)
    all_three = (ours, chromium, bare)
    start, start_peer, start_bare = (statistics.median(run.seconds for run in runs) for runs in all_three)
    memory, memory_peer, memory_bare = (statistics.median(run.mib for run in runs) for runs in all_three)
    return [
        Row(
            "start → first page that takes a touch",
            f"{start:.2f} s = {start / start_peer:.2f} ×",
            f"Chromium --kiosk {start_peer:.2f} s; an empty Kivy window {start_bare:.2f} s",
            "≤ 0.5 × Chromium",
            start <= 0.5 * start_peer,
        ),
        Row(
            "memory of the front end",
            f"{memory:.0f} MiB = {memory / memory_peer:.2f} ×",
            f"Chromium {memory_peer:.0f} MiB; an empty Kivy window {memory_bare:.0f} MiB",
            "≤ 0.33 × Chromium",
            memory <= memory_peer / 3,
        ),
    ]


class PageServer:
    """Serves the page, and hears from it when it has been drawn."""

    def __enter__(self) -> Self:
        self.ready = threading.Event()
        ready = self.ready

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/ready":
                    ready.set()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(PAGE.read_bytes() if self.path == "/" else b"")

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()


def _run_ours(stage: Stage) -> Run:
    begin = time.monotonic()
    stage.start_kiosk()
    seconds = time.monotonic() - begin
    time.sleep(SETTLE_S)
    run = Run(seconds, _tree_mib(stage.kiosk.pid))
    stage.kill_kiosk()
    return run


def _run_bare(stage: Stage, drawn: Path) -> Run:
    """The floor: a Kivy window with nothing in it."""
    begin = time.monotonic()
    size = [str(stage.size.width), str(stage.size.height)]
    command = [sys.executable, "-m", "benchmarks.bare_window", *size, str(drawn)]
    window = Process("bare window", command, drawn.with_suffix(".log"), {"DISPLAY": stage.display.name})
    wait_until(drawn.exists, 60, "the window is drawn", window)
    seconds = time.monotonic() - begin
    time.sleep(SETTLE_S)
    run = Run(seconds, _tree_mib(window.pid))
    window.kill()
    return run


def _run_chromium(stage: Stage, page: PageServer, profile: Path) -> Run:
    page.ready.clear()
    begin = time.monotonic()
    browser = Process(
        "chromium",
        [
            "chromium",
            "--kiosk",
            f"--window-size={stage.size.width},{stage.size.height}",
            "--no-sandbox",
            "--no-first-run",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={profile}",
            page.url,
        ],
        profile.with_suffix(".log"),
        {"DISPLAY": stage.display.name},
    )
    wait_until(page.ready.is_set, 60, "Chromium has drawn the page", browser)
    seconds = time.monotonic() - begin
    time.sleep(SETTLE_S)
    run = Run(seconds, _tree_mib(browser.pid))
    browser.kill()
    return run


def _tree_mib(root: int) -> float:
    """PSS of a process and everything it started, in MiB: shared pages are counted once, not once a process."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    todo, kib = [root], 0
    while todo:
        pid = todo.pop()
        todo += children.get(pid, [])
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kib / 1024
