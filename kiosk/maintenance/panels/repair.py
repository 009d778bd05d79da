"""Guided repair: the ten commonest faults, each a few steps (config/repair.yaml), each step with a check by the machine
that turns green by itself while somebody works on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import yaml

import config
from kiosk.maintenance import checks
from kiosk.maintenance.panels.lines import check_line
from kiosk.maintenance.world import PRINTERS, World
from kiosk.session.panel import Action, Line, Panel, Place, Tone

FILE = "repair.yaml"


@dataclass(frozen=True)
class Step:
    """Texts: ``maintenance.line.step.<fault>.<number>``, counted from 1. ``tries``: what can be tried here."""

    check: str
    tries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """``seen``: the checks whose failing means that the machine sees this fault itself; none: only people see it."""

    name: str
    seen: tuple[str, ...]
    steps: tuple[Step, ...]


@cache
def faults() -> tuple[Fault, ...]:
    """Raises OSError, KeyError, TypeError for a file that is none."""
    tree = yaml.load(config.path(FILE).read_text(encoding="utf-8"), yaml.CSafeLoader)
    return tuple(
        Fault(
            fault["name"],
            tuple(fault.get("seen", ())),
            tuple(Step(step["check"], tuple(step.get("tries", ()))) for step in fault["steps"]),
        )
        for fault in tree["faults"]
    )


def faults_seen(world: World) -> list[Fault]:
    """Those that the machine notices by itself, now."""
    return [fault for fault in faults() if any(checks.BY_NAME[name](world).result == "bad" for name in fault.seen)]


def build(world: World, subject: str) -> Panel:
    name, _, number = subject.partition("/")
    fault = next((each for each in faults() if each.name == name), None)
    if fault is None:
        return Panel(Place.REPAIR, lines=_all(world))
    if not number:
        return Panel(Place.REPAIR, subject, _steps(world, fault))
    if not number.isdigit() or not 1 <= int(number) <= len(fault.steps):
        return Panel(Place.REPAIR, subject, note="no_such_step")
    return _step(world, fault, int(number))


def _all(world: World) -> tuple[Line, ...]:
    seen = faults_seen(world)
    ordered = [*seen, *(fault for fault in faults() if fault not in seen)]
    return tuple(
        Line(
            fault.name,
            word="seen_now" if fault in seen else "",
            tone=Tone.BAD if fault in seen else Tone.PLAIN,
            opens=Place.REPAIR,
            subject=fault.name,
        )
        for fault in ordered
    )


def _steps(world: World, fault: Fault) -> tuple[Line, ...]:
    lines = []
    for number, step in enumerate(fault.steps, start=1):
        good = checks.BY_NAME[step.check](world).result == "good"
        lines.append(
            Line(
                f"step.{fault.name}.{number}",
                tone=Tone.GOOD if good else Tone.WARN,
                opens=Place.REPAIR,
                subject=f"{fault.name}/{number}",
            )
        )
    return tuple(lines)


def _step(world: World, fault: Fault, number: int) -> Panel:
    step = fault.steps[number - 1]
    check = checks.BY_NAME[step.check](world)
    lines = [
        Line(f"step.{fault.name}.{number}"),
        check_line(check),
    ]
    if number < len(fault.steps):
        following = f"{fault.name}/{number + 1}"
        lines.append(Line("next_step", f"{number + 1} / {len(fault.steps)}", opens=Place.REPAIR, subject=following))
    elif check.result == "good":
        lines.append(Line("fault_over", word="good", tone=Tone.GOOD))
    return Panel(Place.REPAIR, f"{fault.name}/{number}", tuple(lines), _trials(world, step.tries))


def _trials(world: World, tries: tuple[str, ...]) -> tuple[Action, ...]:
    actions: list[Action] = []
    for name in tries:
        match name:
            case "test_print" | "paper_loaded":
                actions += [Action(name, printer) for printer in PRINTERS if world.status(printer) is not None]
            case "test_read":
                actions.append(Action(name, "id_card", works=world.status("id_card") is not None))
            case "handshake":
                actions.append(Action(name, "pos", works=world.status("pos") is not None))
            case _:
                actions.append(Action(name))
    return tuple(actions)
