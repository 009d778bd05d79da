"""``python -m tests.simulation --seed N [--events M]``: play one history again; ``--campaign``: many, and a table."""

from __future__ import annotations

import argparse
import os
import sys

if os.environ.get("PYTHONHASHSEED") != "0":
    # Should any code go by the order of a set, it is the same order when the history is played again.
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the history, or of the campaign's first")
    parser.add_argument("--events", type=int, default=20_000, help="to happen at least")
    parser.add_argument("--kiosks", type=int, default=4)
    parser.add_argument("--campaign", action="store_true", help="histories until so many events have happened")
    parser.add_argument("--mutants", action="store_true", help="then each mutant, until it is caught")
    parser.add_argument("--trace", help="a file for one line an event of this history")
    words = parser.parse_args()
    from tests.simulation.campaign import Outcome, campaign, table
    from tests.simulation.town import Town

    if words.campaign or words.mutants:
        outcome = campaign(words.seed, words.events if words.campaign else 0, words.kiosks, words.mutants)
    else:
        town = Town(words.seed, words.kiosks)
        if words.trace:
            town.trace = open(words.trace, "w", encoding="utf-8")  # noqa: SIM115  # as long as the process
        outcome = Outcome([town.run(words.events)])
        outcome.seconds = town.played_s
    sys.stdout.write(table(outcome, words.seed, words.kiosks) + "\n")
    for report in outcome.reports:
        if report.violations:
            sys.stdout.write(f"again: {report.again}\n")
    escaped = [name for name, caught in outcome.mutants.items() if caught is None]
    return bool(outcome.violations or escaped)


if __name__ == "__main__":
    sys.exit(main())
