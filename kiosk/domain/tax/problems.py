"""What can be wrong: with what somebody entered, and with the rules themselves."""

from __future__ import annotations

from collections.abc import Sequence


class BadInput(ValueError):
    """Something entered cannot be assessed. ``field``: its path, ``sales.goods``. ``problem``: one of PROBLEMS."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


#: Every problem that an assessment can name.
PROBLEMS = (
    "missing",
    "unknown_field",
    "empty",
    "both_given",
    "given_twice",
    "not_json",
    "not_an_object",
    "not_a_list",
    "not_a_choice",
    "not_a_number",
    "not_a_whole_number",
    "not_finite",
    "negative",
    "too_small",
    "too_large",
    "more_than_two_decimals",
    "too_many_decimals",
    "too_many",
    "not_a_date",
    "not_a_yes_or_no",
    "not_the_end_of_a_month",
    "not_the_end_of_a_quarter",
    "no_such_rate",
    "outside_legal_range",
    "not_for_this_payer",
    "rate_changed_within_period",
    "not_covered_by_rules",
    "no_calendar",
)


class BadRules(ValueError):
    """The pack is not whole and is not taken. ``problems``: all of them, each with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
