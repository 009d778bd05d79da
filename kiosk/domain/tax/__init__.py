"""Dated rules → assessment: 2017 and 2026 are assessed by the same code and other data.

``RulePack.from_tree`` takes the rules in or refuses them whole; ``assess`` answers one request in the shape of
``taxkiosk assess``. Nothing here asks for today.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiosk.domain.filing import Form
from kiosk.domain.tax.assessment import Assessment, working
from kiosk.domain.tax.forms import FORMS
from kiosk.domain.tax.forms.late import filing_deadline, late_surcharge
from kiosk.domain.tax.pack import RulePack
from kiosk.domain.tax.problems import PROBLEMS, BadInput, BadRules
from kiosk.domain.tax.request import Entry

__all__ = [
    "PROBLEMS",
    "Assessment",
    "BadInput",
    "BadRules",
    "RulePack",
    "assess",
    "filing_deadline",
    "late_surcharge",
    "working",
]


def assess(rules: RulePack, request: Mapping[str, Any]) -> Assessment:
    """One assessment. Amounts in ``request`` are yuan: text, int or Decimal. Raises BadInput."""
    if not isinstance(request, Mapping):
        raise BadInput("request", "not_an_object")
    if request.get("form") is None:
        raise BadInput("form", "missing")
    try:
        form = Form(request["form"])
    except ValueError:
        raise BadInput("form", "not_a_choice") from None
    compute, known = FORMS[form]
    return compute(rules, Entry(request, known))
