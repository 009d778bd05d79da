"""What the kit found, for a technician to read and for a program to keep; and the list of all cases as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from drivers.conformance.case import Case, DeviceClass, Needs
from drivers.conformance.suite import CASES, Result

NAMES = {
    DeviceClass.ID_CARD: "ID-card reader",
    DeviceClass.PRINTER: "slip printer",
    DeviceClass.SMART_CARD: "smart-card reader",
    DeviceClass.POS: "payment terminal",
}
_MARKS = {"passed": "  ok   ", "failed": " FAILED", "skipped": "  --   "}
_NEEDS = {Needs.NOTHING: "hardware", Needs.HAND: "hardware, with a hand", Needs.BENCH: "simulator"}


def line(result: Result) -> str:
    """One case as it ends."""
    tried = f"  ({result.tried} trials)" if result.tried > 1 else ""
    why = result.why or (result.beside_others and f"only alone; beside others: {result.beside_others}")
    why = why and f"\n        {why}"
    return f"{_MARKS[result.outcome]} {result.case.name:28} {result.case.says}{tried}{why}"


def summary(results: Sequence[Result]) -> str:
    """One line a class of device, the failures again, and what it means."""
    lines = [f"{'':20}{'cases':>7}{'passed':>8}{'failed':>8}{'skipped':>9}{'trials':>9}"]
    for device in DeviceClass:
        own = [result for result in results if result.case.device is device]
        if own:
            lines.append(_row(NAMES[device], own))
    if len({result.case.device for result in results}) > 1:
        lines.append(_row("all", results))
    failed = [result for result in results if result.outcome == "failed"]
    lines += [""] + [f"FAILED  {result.case.device} {result.case.name}: {result.why}" for result in failed]
    lines.append("The device does not conform." if failed else "Everything that was tried is as it has to be.")
    return "\n".join(lines)


def _row(name: str, results: Iterable[Result]) -> str:
    results = list(results)
    count = Counter(result.outcome for result in results)
    trials = sum(result.tried for result in results if result.outcome != "skipped")
    return f"{name:20}{len(results):7}{count['passed']:8}{count['failed']:8}{count['skipped']:9}{trials:9}"


def document(results: Sequence[Result]) -> dict[str, Any]:
    """The same as JSON's kinds of values."""
    count = Counter(result.outcome for result in results)
    return {
        "conforms": count["failed"] == 0,
        **{outcome: count[outcome] for outcome in ("passed", "failed", "skipped")},
        "trials": sum(result.tried for result in results if result.outcome != "skipped"),
        "cases": [
            {
                "device": result.case.device,
                "name": result.case.name,
                "says": result.case.says,
                "outcome": result.outcome,
                "why": result.why,
                "beside_others": result.beside_others,
                "trials": result.tried,
                "elapsed_ms": round(result.elapsed_s * 1000),
            }
            for result in results
        ],
    }


def page(cases: Sequence[Case] = CASES) -> str:
    """docs/conformance.md."""
    count = Counter(case.device for case in cases)
    lines = [
        "# The conformance kit",
        "",
        "Made from the cases themselves: `taxkiosk conform --list > docs/conformance.md`.",
        "",
        "One suite that every driver passes against its simulator (`taxkiosk conform --simulated`), with faults on the",
        "wire, and that a technician runs against the hardware: `taxkiosk conform DEVICE --port URL`. On hardware run",
        "the cases marked so; those with a hand ask for it step by step. A case that goes through a conversation byte",
        "by byte counts each as a trial; of long ones every byte of beginning and end and a share between, or with",
        "`--thorough` all of them.",
        "",
        "| device | cases | on hardware | with a hand | on a simulator only |",
        "|---|---|---|---|---|",
    ]
    for device in DeviceClass:
        needs = Counter(case.needs for case in cases if case.device is device)
        lines.append(
            f"| {NAMES[device]} (`{device}`) | {count[device]} | {needs[Needs.NOTHING]} | {needs[Needs.HAND]} "
            f"| {needs[Needs.BENCH]} |"
        )
    lines.append(f"| all | {len(cases)} | | | |")
    lines += [
        "",
        "With `--thorough`, once on two cores (2026-11-25), all passed: slip printer 1,639 trials in 2 minutes,",
        "smart-card reader 2,719 in 20 seconds, payment terminal 22,760 in 37 minutes, ID-card reader 15,956 in 20",
        "minutes and the 1,340 silences of `card.silent`, played by themselves, in 17. Nearly all of it is waiting.",
    ]
    for device in DeviceClass:
        lines += [
            "",
            f"## {NAMES[device][0].upper()}{NAMES[device][1:]}",
            "",
            "| case | states | on |",
            "|---|---|---|",
        ]
        lines += [f"| `{case.name}` | {case.says} | {_NEEDS[case.needs]} |" for case in cases if case.device is device]
    return "\n".join(lines)
