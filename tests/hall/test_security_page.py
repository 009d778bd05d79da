"""docs/security.md names for every attack the test that tried it: each of them is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def test_every_test_that_the_security_page_names_exists() -> None:
    named = _NAMED.findall((ROOT / "docs/security.md").read_text(encoding="utf-8"))
    defined: dict[str, set[str]] = {}
    for file, _ in named:
        if file not in defined and (ROOT / file).exists():
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            defined[file] = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    missing = [f"{file}::{test}" for file, test in named if test not in defined.get(file, set())]
    assert missing == []
    assert len(named) > 80


def test_every_attack_has_its_test() -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8").partition("# Attacks tried")[2]
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| attack |")]
    assert len(rows) > 55
    assert [row for row in rows if not _NAMED.search(row)] == []
