"""What a PDF of reportlab's says: its text, read back by each font's own table from codes to characters."""

from __future__ import annotations

import base64
import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\s(.*?)endobj", re.S)
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.S)
_SHOWN = re.compile(rb"/(F\d+\S*) [\d.]+ Tf|\(((?:[^()\\]|\\.)*)\) Tj", re.S)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.S)


def text_of(pdf: bytes) -> str:
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    tables = {}
    for body in objects.values():
        name, table = re.search(rb"/Name /(\S+)", body), re.search(rb"/ToUnicode (\d+) 0 R", body)
        if name and table:
            tables[name.group(1)] = _table(_stream(objects[int(table.group(1))]))
    said = []
    for body in objects.values():
        if b" Tf" not in (content := _stream(body)):
            continue
        font: dict[int, str] = {}
        for name, shown in _SHOWN.findall(content):
            if name:
                font = tables.get(name, {})
            else:
                said.append("".join(font.get(code, "?") for code in _ESCAPE.sub(_unescape, shown)))
    return "\n".join(said)


def _stream(body: bytes) -> bytes:
    found = _STREAM.search(body)
    if found is None:
        return b""
    data = found.group(1).strip()
    if b"/ASCII85Decode" in body:
        data = base64.a85decode(data, adobe=data.startswith(b"<~")) if data.startswith(b"<~") else _a85(data)
    return zlib.decompress(data) if b"/FlateDecode" in body else data


def _a85(data: bytes) -> bytes:
    return base64.a85decode(data.removesuffix(b"~>"))


def _unescape(found: re.Match[bytes]) -> bytes:
    said = found.group(1)
    if len(said) == 3:
        return bytes((int(said, 8),))
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}.get(said, said)


def _table(cmap: bytes) -> dict[int, str]:
    table = {}
    for part in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.S):
        for code, char in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", part):
            table[int(code, 16)] = bytes.fromhex(char.decode()).decode("utf-16-be")
    for part in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.S):
        for first, _, chars in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*\[(.*?)\]", part, re.S):
            for step, char in enumerate(re.findall(rb"<([0-9A-Fa-f]+)>", chars)):
                table[int(first, 16) + step] = bytes.fromhex(char.decode()).decode("utf-16-be")
    return table
