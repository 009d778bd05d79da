"""Words for people, by key. Screens and paper take all their words from here; nobody else writes a sentence."""

from __future__ import annotations

from collections.abc import Mapping


class Texts:
    """One language. Keys are dotted paths into the shipped TOML, values may hold ``{name}`` fields."""

    def __init__(self, tree: Mapping[str, object]) -> None:
        self._texts: dict[str, str] = {}
        self._flatten("", tree)

    def _flatten(self, prefix: str, tree: Mapping[str, object]) -> None:
        for name, value in tree.items():
            if isinstance(value, Mapping):
                self._flatten(f"{prefix}{name}.", value)
            else:
                self._texts[prefix + name] = str(value)

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, its fields filled in. Raises KeyError for a key that is not there: a gap is a defect."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        return key in self._texts

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self._texts)
