"""Command: one assessment, JSON in, JSON out."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from kiosk.cli.output import emit, fail, refuse


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(assess)


def assess(
    file: Annotated[Path | None, typer.Argument(help="JSON; standard input without it.")] = None,
) -> None:
    """Say what is owed, levy by levy with rule and source, as JSON."""
    import config
    from kiosk.domain.tax import BadInput, BadRules, RulePack
    from kiosk.domain.tax import assess as compute

    try:
        text = sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as error:
        refuse("file", error.strerror or "not_readable")
    try:
        rules = RulePack.from_tree(config.read_tax_rules())
    except BadRules as error:
        fail(f"the tax rules cannot be used:\n{error}")
    try:
        emit(compute(rules, read_request(text)).as_json())
    except BadInput as error:
        refuse(error.field, error.problem)


def read_request(text: bytes) -> Any:
    """JSON whose numbers are still what was written, NaN included: its field will be named. Raises BadInput."""
    from kiosk.domain.tax import BadInput

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            # Which of two amounts was meant nobody can say.
            names = [name for name, _ in pairs]
            raise BadInput(next(name for name in names if names.count(name) > 1), "given_twice")
        return found

    try:
        return json.loads(text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=once)
    except BadInput:
        raise
    except (ValueError, RecursionError):
        # Bad UTF-8, bad JSON, a number of thousands of digits, brackets without end.
        raise BadInput("request", "not_json") from None
