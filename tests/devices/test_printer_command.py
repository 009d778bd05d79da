"""``taxkiosk print``: one JSON document, exit 0 only for a slip that the printer says came out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.bench.printer import SimulatedPrinter
from drivers.bench.server import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, [SimulatedPrinter("slips", speed=0.0)]) as running:
        yield running


def taxkiosk_print(*arguments: str) -> tuple[int, dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-c", "from kiosk.cli.main import main; main()", "print", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, json.loads(done.stdout or done.stderr)


@pytest.mark.parametrize("kind", ["ticket", "receipt", "certificate", "invoice", "test"])
def test_a_sample_that_came_out_is_done(bench: Bench, kind: str) -> None:
    code, said = taxkiosk_print(kind, "--printer", bench.addresses["slips"])
    assert (code, said["outcome"], said["reason"], said["paper"]) == (0, "done", None, "full")
    assert len(bench.do("slips", "slips")) == 1


def test_a_printer_without_paper_is_a_failure_within_two_seconds(bench: Bench) -> None:
    bench.do("slips", "paper-out")
    started = time.monotonic()
    code, said = taxkiosk_print("ticket", "--printer", bench.addresses["slips"])
    assert (code, said["outcome"], said["reason"], said["paper"]) == (1, "failed", "paper_out", "out")
    assert isinstance(said["elapsed_ms"], int)
    # The program's own start is in it: a slow machine gets a little more.
    assert time.monotonic() - started < 4
    assert said["elapsed_ms"] < 2000


def test_a_printer_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    code, said = taxkiosk_print("ticket", "--printer", str(tmp_path / "nothing"))
    assert (code, said["outcome"], said["reason"], said["paper"]) == (1, "failed", "not_connected", "unknown")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("poster", "--printer", "/dev/null"), "kind"),
        (("ticket",), "printer"),
        (("ticket", "--printer", "gopher://hall"), "printer"),
        (("ticket", "--printer", "/dev/null", "--width", "70"), "width"),
        (("ticket", "--printer", "/dev/null", "--baudrate", "fast"), "baudrate"),
    ],
)
def test_bad_input_says_which_field(arguments: tuple[str, ...], field: str) -> None:
    code, said = taxkiosk_print(*arguments)
    error = said["error"]
    assert code == 2
    assert isinstance(error, dict)
    assert error["field"] == field
