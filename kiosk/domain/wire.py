"""Messages that threads may read: each type is met once, while nobody else is about."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


def acquaint(module: Mapping[str, object]) -> None:
    """The last line of a module with messages: ``acquaint(globals())``.

    msgspec 0.22 looks into a type when it is decoded for the first time, and takes it for known before it has done so.
    Two threads that do that at once end the whole process with a segmentation fault; it was seen, and it takes
    milliseconds to bring about (tests/unit/test_wire.py). A module is run by one thread, and whoever decodes its types
    waits for it.
    """
    for each in list(module.values()):
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and each.__module__ == module["__name__"]:
            msgspec.json.Decoder(each)
