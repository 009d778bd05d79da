"""The shipped services are whole, and everybody finds theirs, whatever they type."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from typing import Any

import pypinyin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import config
from kiosk.domain.catalogue import Catalogue, Match, Service

#: The same examples every time, however slow the machine is today.
steady = settings(derandomize=True, deadline=None)

RAW = config.read_services()
CATALOGUE = Catalogue(RAW)

services = st.sampled_from(CATALOGUE.services)


def names(query: str) -> list[str]:
    return [match.service.name_zh for match in CATALOGUE.search(query)]


def marked(match: Match) -> str:
    return match.service.name_zh[match.start : match.start + match.length]


# ---- the list ------------------------------------------------------------------------------------------------------


def test_the_totals_are_the_published_ones() -> None:
    counted = [sum(s.approval == approval for s in CATALOGUE.services) for approval in ("none", "on_site", "internal")]
    assert counted == [163, 6, 12]
    assert len(CATALOGUE.services) == 181
    assert CATALOGUE.on_the_spot == 169
    assert f"{CATALOGUE.on_the_spot / 181:.2%}" == "93.37%"


def test_every_chinese_character_has_its_sound() -> None:
    for service in CATALOGUE.services:
        chinese = [char for char in service.name_zh if "一" <= char <= "鿿"]
        assert len(service.pinyin.split()) == len(chinese), service.code


def test_the_sounds_are_those_of_the_dictionary() -> None:
    """A name changed without its pinyin could no longer be found; the failure shows the line to write."""
    for service in CATALOGUE.services:
        assert f"pinyin: {service.pinyin}" == "pinyin: " + " ".join(
            pypinyin.lazy_pinyin(service.name_zh, errors="ignore")
        ), service.code


def test_a_list_without_pinyin_is_given_it() -> None:
    raw = copy.deepcopy(RAW)
    for service in raw["services"]:
        del service["pinyin"]
    assert [m.service.code for m in Catalogue(raw).search("zzs")] == [m.service.code for m in CATALOGUE.search("zzs")]


def _drop_one(raw: dict[str, Any]) -> None:
    raw["services"].pop()


def _double_one(raw: dict[str, Any]) -> None:
    raw["services"][1]["code"] = raw["services"][0]["code"]


def _unknown_bureau(raw: dict[str, Any]) -> None:
    raw["services"][0]["bureau"] = "customs"


def _unknown_category(raw: dict[str, Any]) -> None:
    raw["services"][0]["category"] = "99"


def _wrong_total(raw: dict[str, Any]) -> None:
    raw["totals"]["approval"]["internal"] = 13


def _no_limit(raw: dict[str, Any]) -> None:
    next(s for s in raw["services"] if s["mode"] == "timed").pop("limit_days")


def _short_pinyin(raw: dict[str, Any]) -> None:
    raw["services"][0]["pinyin"] = "yi zhao"


def _no_services(raw: dict[str, Any]) -> None:
    del raw["services"]


@pytest.mark.parametrize(
    "damage",
    [
        _drop_one,
        _double_one,
        _unknown_bureau,
        _unknown_category,
        _wrong_total,
        _no_limit,
        _short_pinyin,
        _no_services,
    ],
)
def test_a_list_that_is_not_whole_is_refused_with_a_reason(damage: Any) -> None:
    raw = copy.deepcopy(RAW)
    damage(raw)
    with pytest.raises(ValueError, match=r"^services: .{10}"):
        Catalogue(raw)


def test_a_service_is_had_by_its_code() -> None:
    assert CATALOGUE.get("SW-040102").name_zh == "增值税小规模纳税人申报"
    with pytest.raises(KeyError):
        CATALOGUE.get("SW-999999")


def test_categories_hold_every_service_once() -> None:
    found = [m.service.code for c in CATALOGUE.categories for m in CATALOGUE.in_category(c.code)]
    assert sorted(found) == sorted(s.code for s in CATALOGUE.services)
    assert CATALOGUE.in_category("99") == ()


# ---- finding one ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["ZZS", "zzs", "zengzhishui", "zeng zhi shui", "zengzs", "增值税", "增zhi税", "ｚｚｓ"]
)
def test_whatever_way_vat_is_written_it_is_found_and_marked(query: str) -> None:
    found = CATALOGUE.search(query)
    assert found[0].service.name_zh.startswith("增值税")
    assert {marked(m) for m in found if "增值税" in m.service.name_zh} == {"增值税"}
    assert sum("增值税" in m.service.name_zh for m in found) == sum("增值税" in s.name_zh for s in CATALOGUE.services)


def test_names_that_begin_so_come_before_names_that_hold_it() -> None:
    inside = ["增值税" in name and not name.startswith("增值税") for name in names("zzs")]
    beginning = [name.startswith("增值税") for name in names("zzs")]
    assert beginning.index(False) > max(i for i, begins in enumerate(beginning) if begins)
    assert any(inside)


def test_the_whole_name_comes_first() -> None:
    for service in CATALOGUE.services:
        assert CATALOGUE.search(service.name_zh)[0].service == service


@pytest.mark.parametrize(
    ("query", "name", "mark"),
    [
        ("xgm", "增值税小规模纳税人申报", "小规模"),
        ("fplyong", "增值税专用发票领用", "发票领用"),
        ("sfz", "税(费)种认定", "税(费)种"),
        ("yinhang", "银行端查询缴税凭证打印", "银行"),
        ("fuping", "纳税信用复评(核)申请", "复评"),
        ("tiaozheng", "定期定额户核定(调整)定额", "调整"),
        ("kuaiji", "财务会计报表报送", "会计"),
        ("weifaxingwei", "税收违法行为简易处罚", "违法行为"),
        ("pos", "税款缴纳(POS机刷卡)", "POS"),
        ("12366", "涉税咨询(窗口、12366)", "12366"),
        ("12万", "年所得12万元以上自行纳税申报", "12万"),
        ("vat return", "增值税小规模纳税人申报", ""),
        ("stamp", "印花税申报", ""),
        ("SW-040504", "印花税申报", ""),
        ("sw 040504", "印花税申报", ""),
        ("040504", "印花税申报", ""),
    ],
)
def test_a_service_is_found_the_way_people_say_it(query: str, name: str, mark: str) -> None:
    assert [marked(m) for m in CATALOGUE.search(query) if m.service.name_zh == name] == [mark]


def test_a_group_of_codes_comes_in_the_lists_order() -> None:
    found = [m.service.code for m in CATALOGUE.search("SW-0401")]
    assert found == [s.code for s in CATALOGUE.services if s.code.startswith("SW-0401")]


def test_an_empty_query_finds_all_in_the_lists_order() -> None:
    assert tuple(m.service for m in CATALOGUE.search(" ")) == CATALOGUE.services


def test_nonsense_finds_nothing() -> None:
    for query in ("qqqq", "?", "'", "()", "龘"):
        assert names(query) == []


@steady
@given(services, st.data())
def test_every_stretch_of_a_name_finds_it_by_initials(service: Service, data: st.DataObject) -> None:
    syllables = service.pinyin.split()
    start = data.draw(st.integers(0, len(syllables) - 1))
    end = data.draw(st.integers(start + 1, len(syllables)))
    if not any(char.isascii() and char.isalnum() for char in service.name_zh):
        initials = "".join(s[0] for s in syllables[start:end])
        assert service.name_zh in names(initials)
        assert service.name_zh in names(" ".join(syllables[start:end]).upper())


@steady
@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=6))
def test_one_more_letter_never_finds_what_was_not_there_before(query: str) -> None:
    assert set(names(query)) <= set(names(query[:-1]))


@steady
@given(services, st.integers(0, 2**32))
def test_a_mixture_of_characters_syllables_and_initials_finds_the_name(service: Service, seed: int) -> None:
    chance = random.Random(seed)
    syllables = iter(service.pinyin.split())
    query = ""
    for char in service.name_zh:
        if "一" <= char <= "鿿":
            syllable = next(syllables)
            query += chance.choice([char, syllable, syllable[0]])
        elif char.isalnum():
            query += char
    match = next(m for m in CATALOGUE.search(query) if m.service == service)
    # "ch" at the end may be 撤 or 撤回: the mark is the shortest reading that holds the query.
    assert match.start == 0
    assert service.name_zh.startswith(marked(match))


@steady
@given(st.text(max_size=12))
def test_no_query_breaks_the_search_and_every_mark_lies_inside_the_name(query: str) -> None:
    for match in CATALOGUE.search(query):
        assert 0 <= match.start <= match.start + match.length <= len(match.service.name_zh)


# ---- the command ---------------------------------------------------------------------------------------------------


def test_the_command_prints_the_catalogue_as_json() -> None:
    found = json.loads(command("--query", "yhssb", "--json").stdout)
    assert found[0]["code"] == "SW-040504"
    assert {"name_zh", "name_en", "category", "bureau", "mode", "approval", "self_service", "papers"} <= set(found[0])
    assert len(json.loads(command("--json").stdout)) == 181


def test_the_command_prints_a_table_for_people() -> None:
    assert "印花税申报" in command("--query", "yhssb").stdout


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from kiosk.cli.main import main; main()", "services", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )
