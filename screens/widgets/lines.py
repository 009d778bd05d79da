"""Where lines break. Kivy breaks Chinese inside numbers and early at spaces, so the breaking is ours.

Rules: between Chinese characters anywhere; Latin words whole, numbers with their unit; no line begins with closing
punctuation or ends with an opening one. The field's own words stay whole. Lines of one text end with a clause where
they can and are about equally long, so that no last line holds a single character.
"""

from __future__ import annotations

import re
from collections.abc import Callable

NOT_FIRST = "，。、；：？！）》」』”’%·…,.;:?!)]"
NOT_LAST = "（《「『“‘(["

#: Words that a line break would make hard to read.
WHOLE = (
    "第一季度", "第二季度", "第三季度", "第四季度", "（小规模）", "（经营所得）", "（一般纳税人）",
    "身份证号", "完税证明", "税务系统", "营业执照", "身份证", "打印机", "读卡器", "二维码", "增值税", "所得税",
    "购置税", "印花税", "滞纳金", "刷卡机", "纳税人", "识别号", "银行卡", "申请表", "审批表", "申报表", "工作日",
    "居住证", "取号", "叫号", "补打", "号码", "号票", "窗口", "机器", "大厅", "申报", "凭条", "刷卡", "缴款", "合同",
    "密码", "应缴", "发票", "屏幕", "本页", "本机", "字母", "结果", "首页", "居民",
)  # fmt: skip

CLAUSE_ENDS = "，。；：、！？,.;:!?"

#: A number keeps its unit: 12 人.
_TOKEN = re.compile(rf"[0-9][0-9.,:–]* [一-鿿]| · |\s+|{'|'.join(WHOLE)}|[^\s一-鿿㐀-䶿　-〿＀-￯]+|.", re.DOTALL)

Measure = Callable[[str], float]


def tokens(words: str) -> list[str]:
    """Pieces that stay whole, in order; blanks are pieces of their own."""
    pieces: list[str] = []
    for piece in _TOKEN.findall(words):
        glue = pieces and not pieces[-1].isspace() and not piece.isspace()
        if glue and (piece.strip()[0] in NOT_FIRST or pieces[-1][-1] in NOT_LAST):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def fill(pieces: list[str], width: float, measure: Measure) -> list[str]:
    """Greedy lines no wider than ``width``; a piece that is wider by itself is cut.

    Pieces are measured one by one: the fonts do not kern, and the same few thousand pieces come back on every page.
    """
    lines, used = [""], 0.0
    for piece in pieces:
        wide = measure(piece)
        if piece.isspace():
            lines[-1] += piece
            used += wide
            continue
        for part in [piece] if wide <= width else piece:
            wide = measure(part)
            if used + measure(part.rstrip()) > width and lines[-1].strip():
                lines.append("")
                used = 0.0
            lines[-1] += part
            used += wide
    return [line.strip() for line in lines if line.strip()]


def break_lines(words: str, width: float, measure: Measure) -> list[str]:
    """The lines of a text; a newline in it is kept."""
    lines: list[str] = []
    for paragraph in words.split("\n"):
        pieces = tokens(paragraph)
        greedy = fill(pieces, width, measure)
        lines += greedy if len(greedy) < 2 else _evened(pieces, greedy, width, measure)
    return lines or [""]


def _evened(pieces: list[str], greedy: list[str], width: float, measure: Measure) -> list[str]:
    """As many lines as the greedy ones, at the width where they read best."""
    best, least = greedy, _roughness(greedy, width, measure)
    # What fits a line as a whole is not cut for the sake of evenness.
    longest = max((wide for piece in pieces if (wide := measure(piece.strip())) <= width), default=0.0)
    for share in (0.9, 0.8, 0.7, 0.6, 0.52):
        if longest > width * share:
            break
        lines = fill(pieces, width * share, measure)
        if len(lines) > len(greedy):
            break
        rough = _roughness(lines, width, measure)
        if rough < least:
            best, least = lines, rough
    return best


def _roughness(lines: list[str], width: float, measure: Measure) -> float:
    """How unequal the lines are, from 0 to 1, and half as much again for each that ends within a clause."""
    lengths = [measure(line) for line in lines]
    return (max(lengths) - min(lengths)) / width + 0.5 * sum(line[-1] not in CLAUSE_ENDS for line in lines[:-1])
