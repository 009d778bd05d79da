"""A real browser looking at the hall's pages: Debian's Chromium without a window, driven over its own pipe.

The DevTools protocol over file descriptors 3 and 4 (``--remote-debugging-pipe``): JSON messages, each ended by a zero
byte.
No port is opened, so that two stages never meet.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from demo.processes import Failed


class Browser:
    """Close it, or use it in a ``with`` statement. Every call raises Failed when Chromium does not answer in time."""

    def __init__(self, answer_s: float = 30.0) -> None:
        self._answer_s = answer_s
        self._profile = tempfile.mkdtemp(prefix="browser-")
        self._calls = 0
        self._left_over = b""
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # Chromium listens on 3 and speaks on 4, which may be either of these here: first out of the way, then in place.
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (to_browser, from_browser)]

        def lay_out() -> None:
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._popen = subprocess.Popen(
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                "--",
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--accept-lang=zh-CN,zh",
                "--remote-debugging-pipe",
                f"--user-data-dir={self._profile}",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=False,
            preexec_fn=lay_out,
        )
        for fd in (to_browser, from_browser, *ends):
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, 9)
        self._popen.wait()
        os.close(self._read)
        os.close(self._write)
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, url: str, width: int, height: int, cookies: dict[str, str] | None = None) -> Tab:
        """A page of this size in pixels, loaded. ``cookies``: of its host, as a login has left them."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        tab = Tab(self, session)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        tab.call("Emulation.setDeviceMetricsOverride", size)
        # Every page is looked at: one in the background would fall asleep.
        tab.call("Emulation.setFocusEmulationEnabled", {"enabled": True})
        for name, value in (cookies or {}).items():
            tab.call("Network.setCookie", {"name": name, "value": value, "url": url})
        tab.go(url)
        return tab

    def call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._calls += 1
        message: dict[str, Any] = {"id": self._calls, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + self._answer_s
        while True:
            answer = self._next(deadline, method)
            if answer.get("id") == self._calls:
                break
        if "error" in answer:
            raise Failed(f"the browser refused {method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self, deadline: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._left_over:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self._read, 1 << 20) if ready else b""
            if not piece:
                raise Failed(f"the browser did not answer {method}; is chromium installed (apt-packages.txt)?")
            self._left_over += piece
        message, _, self._left_over = self._left_over.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


class Tab:
    """One page in the browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._browser.call(method, params or {}, self._session)

    def go(self, url: str) -> None:
        problem = self.call("Page.navigate", {"url": url}).get("errorText")
        if problem:
            raise Failed(f"the browser cannot open {url}: {problem}")
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'", f"{url} is loaded")

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self.call("Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in answer:
            raise Failed(f"the page could not say {script}: {answer['exceptionDetails'].get('text')}")
        return answer["result"].get("value")

    def wait_for(self, script: str, what: str, seconds: float = 20.0) -> None:
        """Until an expression is true on the page."""
        deadline = time.monotonic() + seconds
        while not self.evaluate(script):
            if time.monotonic() > deadline:
                raise Failed(f"waited {seconds:g} s in vain until {what}; the page says: {self.text()[:400]}")
            time.sleep(0.05)

    def wait_for_text(self, text: str, seconds: float = 20.0) -> None:
        self.wait_for(f"document.body.innerText.includes({json.dumps(text)})", f"the page shows {text}", seconds)

    def text(self) -> str:
        """What a person could read on the page."""
        return str(self.evaluate("document.body.innerText"))

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"]))
