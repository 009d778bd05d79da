"""An invented but lifelike hall: some two thousand taxpayers of Zhangzhou with persons, levies and arrears, as CSV
files for ``taxhall register import``. The same seed makes the same hall.

All of it is invented; a number may by chance be somebody's, so it is used for nothing else.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hall.register.importing import COLUMNS, Kind
from hall.register.obligations import periods
from kiosk.domain.identity import modernised

#: Division code → Chinese, English, place for 城建税. 长泰 and 龙海 are districts since 2021.
_DISTRICTS = {
    "350602": ("芗城区", "Xiangcheng", "city"),
    "350603": ("龙文区", "Longwen", "city"),
    "350604": ("龙海区", "Longhai", "city"),
    "350605": ("长泰区", "Changtai", "city"),
    "350622": ("云霄县", "Yunxiao", "county_town"),
    "350623": ("漳浦县", "Zhangpu", "county_town"),
    "350624": ("诏安县", "Zhao'an", "county_town"),
    "350626": ("东山县", "Dongshan", "county_town"),
    "350627": ("南靖县", "Nanjing", "county_town"),
    "350628": ("平和县", "Pinghe", "other"),
    "350629": ("华安县", "Hua'an", "other"),
}
_SURNAMES = "陈林黄张李王吴蔡杨郑刘郭许曾沈洪苏庄谢卢"
_GIVEN = "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超秀霞平刚桂英华玉兰建国志海燕小云晓东文斌"
_TRADES = (
    "茶叶",
    "水产",
    "食品",
    "五金",
    "服装",
    "建材",
    "电子",
    "家具",
    "花卉",
    "机械",
    "物流",
    "餐饮",
    "水果",
    "钟表",
)
_BRANDS = "金宏顺源兴达泰丰盛和隆昌瑞祥永鑫裕茂"
_INDUSTRIES = {"机械": "industrial", "电子": "industrial", "钟表": "industrial", "家具": "industrial"}

_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ID_CHECK = "10X98765432"


@dataclass(frozen=True)
class _Person:
    name: str
    number: str


#: Who comes to the demo (``demo/people.py``).
OUYANG = _Person("欧阳娜", "35062219880808003X")
LI = _Person("李雷", "350602199001010013")


def credit_code(head: str, organisation: str) -> str:
    """A valid unified code: ``91`` or ``92`` and the division, nine signs of the organisation, the check."""
    body = head + organisation
    remainder = sum(_CREDIT.index(sign) * pow(3, i, 31) for i, sign in enumerate(body)) % 31
    return body + _CREDIT[-remainder % 31]


def organisation_code(eight: str) -> str:
    """Eight signs and their check (GB 11714-1997)."""
    total = sum(int(sign, 36) * weight for sign, weight in zip(eight, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return eight + "0X987654321"[total % 11]


def write(folder: Path, taxpayers: int, seed: int, today: date) -> dict[Kind, int]:
    """Write the files ``taxpayers.csv`` … into ``folder``; answers rows a kind. Raises OSError."""
    hall = _Hall(random.Random(seed), today)
    hall.visitors()
    while len(hall.rows["taxpayers"]) < taxpayers:
        hall.somebody()
    folder.mkdir(parents=True, exist_ok=True)
    for kind, rows in hall.rows.items():
        with (folder / f"{kind}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS[kind])
            writer.writeheader()
            writer.writerows(rows)
    return {kind: len(rows) for kind, rows in hall.rows.items()}


class _Hall:
    def __init__(self, chance: random.Random, today: date) -> None:
        self.chance, self.today = chance, today
        self.rows: dict[Kind, list[dict[str, Any]]] = {kind: [] for kind in COLUMNS}
        self._numbers: set[str] = set()
        self._agents = [self._person("350602") for _ in range(12)]

    # ---- the people of the demo --------------------------------------------------------------------------------------

    def visitors(self) -> None:
        """Whom the demo's visitors act for: each has something that can be filed today."""
        open_quarters, open_months = self._declared_to("quarter", 1), self._declared_to("month", 1)
        shop = self._taxpayer("92350625MA2XXXX278", "漳州芗城欧阳茶叶商行", "350602", "individual_business", "B")
        self._levy(shop, "vat_small_scale", "quarter", open_quarters)
        self._levy(shop, "iit_business", "quarter", open_quarters, facts={"kind": "individual_business"})
        stall = self._taxpayer(f"{OUYANG.number}01", "漳州芗城区新桥水果摊", "350602", "individual_business", "")
        self._levy(stall, "vat_small_scale", "month", open_months, quota="126000.00")
        company = self._taxpayer(self._code("91", "350602"), "漳州宏顺茶叶有限公司", "350602", "small_low_profit", "A")
        self._levy(company, "vat_small_scale", "quarter", open_quarters)
        staff = {"staff": [9, 10, 12], "assets": "3200000.00", "industry": "other"}
        self._levy(company, "cit_prepayment", "quarter", open_quarters, prepaid="2150.00", facts=staff)
        for taxpayer, role in ((shop, "legal_representative"), (stall, "legal_representative"), (company, "finance")):
            self._bind(taxpayer, OUYANG, role)
        maker = self._taxpayer(self._code("91", "350603"), "漳州泰丰机械制造有限公司", "350603", "general", "A")
        self._levy(maker, "vat_general", "month", open_months)
        large = {"staff": [318, 322, 325], "assets": "86000000.00", "industry": "industrial"}
        self._levy(maker, "cit_prepayment", "quarter", open_quarters, prepaid="184000.00", facts=large)
        self._bind(maker, LI, "filing_clerk")

    # ---- everybody else ----------------------------------------------------------------------------------------------

    def somebody(self) -> None:
        chance = self.chance
        area = chance.choice(tuple(_DISTRICTS))
        owner = self._person(area)
        kind = chance.choices(("shop", "stall", "small", "general", "old"), (44, 16, 26, 10, 4))[0]
        trade, brand = chance.choice(_TRADES), chance.choice(_BRANDS) + chance.choice(_BRANDS)
        short = _DISTRICTS[area][0][:2]
        grade = chance.choices(("A", "B", "M", "C", "D"), (18, 40, 30, 9, 3))[0]
        behind = chance.choices((0, 1, 2), (90, 8, 2))[0]
        match kind:
            case "shop":
                taxpayer = self._taxpayer(
                    self._code("92", area), f"{short}{brand}{trade}商行", area, "individual_business", ""
                )
                self._levy(taxpayer, "vat_small_scale", "quarter", self._declared_to("quarter", behind))
                facts = {"kind": "individual_business"}
                self._levy(taxpayer, "iit_business", "quarter", self._declared_to("quarter", behind), facts=facts)
            case "stall":
                number = owner.number + f"{chance.randrange(1, 4):02d}"
                taxpayer = self._taxpayer(number, f"{short}{owner.name}{trade}店", area, "individual_business", "")
                quota = f"{chance.randrange(20, 200) * 1000}.00"
                self._levy(taxpayer, "vat_small_scale", "month", self._declared_to("month", behind), quota=quota)
            case "general":
                name = f"漳州{brand}{trade}{'制造' if trade in _INDUSTRIES else '贸易'}有限公司"
                taxpayer = self._taxpayer(self._code("91", area), name, area, "general", grade)
                self._levy(taxpayer, "vat_general", "month", self._declared_to("month", behind))
                self._profits(taxpayer, trade, 300, behind)
            case _:
                number = self._code("91", area) if kind == "small" else area + self._organisation()
                name = f"漳州{brand}{trade}有限公司"
                taxpayer = self._taxpayer(number, name, area, "small_low_profit", grade)
                self._levy(taxpayer, "vat_small_scale", "quarter", self._declared_to("quarter", behind))
                self._profits(taxpayer, trade, 60, behind)
        self._people_of(taxpayer, owner, area, company=kind in ("small", "general", "old"))
        if behind == 2 or chance.random() < 0.01:
            self._arrear(taxpayer)

    def _people_of(self, taxpayer: str, owner: _Person, area: str, *, company: bool) -> None:
        self._bind(taxpayer, owner, "legal_representative")
        if company:
            self._bind(taxpayer, self._person(area), "finance")
        if self.chance.random() < 0.3:
            self._bind(taxpayer, self.chance.choice(self._agents), "agent")
        if self.chance.random() < 0.05:
            # Somebody who has left: no longer bound, and still in the file.
            left = self.today - timedelta(days=self.chance.randrange(10, 300))
            self._bind(taxpayer, self._person(area), "filing_clerk", left)

    def _profits(self, taxpayer: str, trade: str, most: int, behind: int) -> None:
        staff = [self.chance.randrange(3, most) for _ in range(3)]
        assets = f"{self.chance.randrange(20, 4000) * 10_000}.00"
        facts = {"staff": staff, "assets": assets, "industry": _INDUSTRIES.get(trade, "other")}
        prepaid = f"{self.chance.randrange(0, 400) * 50}.00"
        to = self._declared_to("quarter", behind)
        self._levy(taxpayer, "cit_prepayment", "quarter", to, prepaid=prepaid, facts=facts)

    # ---- rows --------------------------------------------------------------------------------------------------------

    def _taxpayer(self, number: str, name: str, area: str, payer: str, grade: str) -> str:
        self._numbers.add(number)
        zh, en, place = _DISTRICTS[area]
        serial = len(self.rows["taxpayers"]) + 1
        self.rows["taxpayers"].append(
            {
                "number": number,
                "name": name,
                "old_numbers": "",
                "payer": payer,
                "place": place,
                "district_zh": zh,
                "district_en": en,
                "credit_grade": grade,
                "state_serial": f"101{area}{serial:011d}",
                "local_serial": f"201{area}{serial * 7 % 99_999_999_999:011d}",
            }
        )
        return number

    def _levy(
        self,
        taxpayer: str,
        form: str,
        cycle: str,
        declared_to: date,
        *,
        quota: str = "",
        prepaid: str = "",
        facts: dict[str, Any] | None = None,
    ) -> None:
        since = date(self.today.year - self.chance.randrange(1, 9), self.chance.randrange(1, 13), 1)
        self.rows["levies"].append(
            {
                "taxpayer": taxpayer,
                "form": form,
                "cycle": cycle,
                "from": since.isoformat(),
                "to": "",
                "declared_to": declared_to.isoformat(),
                "quota": quota,
                "prepaid": prepaid,
                "facts": json.dumps(facts or {}),
            }
        )

    def _declared_to(self, cycle: str, behind: int) -> date:
        """Last day of the last period that was declared: all but the latest ``behind`` of those that have ended."""
        year_ago = self.today.replace(year=self.today.year - 1, day=1)
        ended = [end for _, end in periods(cycle, year_ago, self.today) if end < self.today]
        return ended[-1 - behind]

    def _bind(self, taxpayer: str, person: _Person, role: str, to: date | None = None) -> None:
        since = self.today - timedelta(days=self.chance.randrange(400, 3000))
        self.rows["persons"].append(
            {
                "taxpayer": taxpayer,
                "name": person.name,
                "number": person.number,
                "role": role,
                "from": since.isoformat(),
                "to": to.isoformat() if to is not None else "",
            }
        )

    def _arrear(self, taxpayer: str) -> None:
        end = self._declared_to("quarter", self.chance.randrange(1, 3))
        start = date(end.year, end.month - 2, 1)
        levy, bureau = self.chance.choice((("vat", "state"), ("umct", "local"), ("stamp", "local")))
        self.rows["arrears"].append(
            {
                "taxpayer": taxpayer,
                "levy": levy,
                "bureau": bureau,
                "period_start": start.isoformat(),
                "period_end": end.isoformat(),
                "amount": f"{self.chance.randrange(100, 90_000)}.{self.chance.randrange(100):02d}",
                "deadline": (end + timedelta(days=15)).isoformat(),
            }
        )

    # ---- names and numbers -------------------------------------------------------------------------------------------

    def _person(self, area: str) -> _Person:
        chance = self.chance
        name = chance.choice(_SURNAMES) + "".join(chance.choice(_GIVEN) for _ in range(chance.choice((1, 2, 2))))
        while True:
            born = date(1950, 1, 1) + timedelta(days=chance.randrange(0, 18_000))
            number = modernised(f"{area}{born:%y%m%d}{chance.randrange(1, 900):03d}")
            if number not in self._numbers and number not in (OUYANG.number, LI.number):
                self._numbers.add(number)
                return _Person(name, number)

    def _organisation(self) -> str:
        while True:
            # Letters that a unified code does not know are not used in organisation codes either.
            code = organisation_code("MA" + "".join(self.chance.choice(_CREDIT) for _ in range(6)))
            if code not in self._numbers:
                self._numbers.add(code)
                return code

    def _code(self, head: str, area: str) -> str:
        return credit_code(head + area, self._organisation())


def everyone(rows: Iterable[dict[str, str]]) -> set[str]:
    """Every name and number in the rows of a file: what must not be found on a disk."""
    return {value for row in rows for field, value in row.items() if field in ("name", "number", "taxpayer") and value}
