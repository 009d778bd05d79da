"""``make test-long``: every campaign in its long form, one after the other, and one table at the end.

    python -m tests.long [NAME …]        all, or those named

What each printed stays under var/long/. Exit 1 when any of them found a violation or missed a seeded fault.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path("var/long")


@dataclass(frozen=True)
class Campaign:
    """``words``: after the interpreter. Its row is the last line that says how many violations there were, or how many
    tests passed."""

    name: str
    words: tuple[str, ...]


def _pytest(*places: str) -> tuple[str, ...]:
    return ("-m", "pytest", "-q", *places)


CAMPAIGNS = (
    Campaign("numbers", _pytest("tests/hall/test_campaign.py")),
    Campaign("bad-days", ("-m", "tests.crash.campaign", "--towns", "2")),
    Campaign("kill-points", ("-m", "tests.crash.kill_points", "--points", "300")),
    Campaign("power-cuts", ("-m", "tests.crash.kill_points_power")),
    Campaign("crash-mutants", _pytest("tests/crash")),
    Campaign("soak", ("-m", "tests.soak.soak", "--visits", "20000")),
    Campaign("soak-mutants", _pytest("tests/soak", "-k", "put_in")),
    Campaign("privacy", _pytest("tests/privacy")),
    Campaign("appliance", _pytest("tests/appliance")),
    Campaign(
        "bad-days-at-the-window", _pytest("tests/e2e/test_bad_days.py", "tests/configuration/test_at_the_kiosk.py")
    ),
    Campaign("bureaus", _pytest("tests/hall/test_bureaus.py", "tests/simulation/test_simulation.py")),
    Campaign("technician", _pytest("tests/e2e/test_technician.py", "tests/e2e/test_technicians_window.py")),
    Campaign("attacked-hall", _pytest("tests/hall/test_openapi.py")),
    Campaign(
        "simulation", ("-m", "tests.simulation", "--campaign", "--events", "1000000", "--kiosks", "50", "--mutants")
    ),
    Campaign("push", ("-m", "tests.configuration.thousand")),
    Campaign("release-power-cuts", _pytest("tests/configuration/test_power_cuts.py")),
    Campaign("conformance", _pytest("tests/devices/test_conformance.py")),
)


def play(campaign: Campaign) -> tuple[bool, str]:
    """Whether it held, and its row."""
    began = time.monotonic()
    log = FOLDER / f"{campaign.name}.log"
    environment = {**os.environ, "TAXKIOSK_CAMPAIGN": "full"}
    with log.open("wb") as output:
        ended = subprocess.run(
            [sys.executable, *campaign.words], stdout=output, stderr=output, env=environment, check=False
        )
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [line.strip() for line in said if "violation" in line or " passed" in line or " failed" in line]
    row = rows[-1] if rows else f"said nothing (exit {ended.returncode})"
    return ended.returncode == 0, f"{campaign.name:14} {'held' if ended.returncode == 0 else 'BROKEN':7} {row}" + (
        f"  [{(time.monotonic() - began) / 60:.0f} min]"
    )


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = [campaign for campaign in CAMPAIGNS if not sys.argv[1:] or campaign.name in sys.argv[1:]]
    played = []
    for campaign in wanted:
        sys.stdout.write(f"playing {campaign.name} ...\n")
        sys.stdout.flush()
        played.append(play(campaign))
    sys.stdout.write("\n" + "\n".join(row for _, row in played) + "\n")
    return 0 if all(held for held, _ in played) else 1


if __name__ == "__main__":
    raise SystemExit(main())
