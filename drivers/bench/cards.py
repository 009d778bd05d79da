"""Cards to lay on the simulated reader, and how a card's chip writes its text: 256 bytes, four layouts.

Written from the table of the layouts on its own, without a look at the driver that reads them: two mistakes would have
to be the same one. All people are invented; a synthetic number may coincide with a real person's.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

from drivers.bench.device import BadAction

Kind = Literal["resident", "hmt_permit", "foreigner_2017", "foreigner_2023"]


@dataclass(frozen=True)
class Card:
    """What is printed on a card. Dates are YYYYMMDD or ISO; ``valid_to`` may be 长期.

    Birth and sex, where not given, follow from a number of 18 digits.
    """

    kind: Kind = "resident"
    name: str = ""
    """In Chinese."""
    name_en: str = ""
    sex: str = ""
    """1 male, 2 female."""
    nation: str = "01"
    """Code of the ethnic group."""
    birth: str = ""
    address: str = ""
    number: str = ""
    issuer: str = ""
    valid_from: str = "20200101"
    valid_to: str = "20400101"
    permit_number: str = ""
    country: str = ""
    select_fault: int | None = None
    """The status byte that selecting it ends in, 0x81 for a card that is no ID card."""
    read_fault: int | None = None
    """The status byte that reading it ends in: 0x41 for a broken chip, 0x40 for one of an unknown type."""


SAMPLES: dict[str, Card] = {
    "resident": Card(
        name="林志远",
        sex="1",
        nation="01",
        birth="19900101",
        address="福建省漳州市芗城区元光南路88号3幢502室",
        number="350602199001010013",
        issuer="漳州市公安局芗城分局",
        valid_from="20180312",
        valid_to="20380312",
    ),
    "resident_long_term": Card(
        name="王秀英",
        sex="2",
        nation="22",
        birth="19491231",
        address="北京市朝阳区建国路1号",
        number="11010519491231002X",
        issuer="北京市公安局朝阳分局",
        valid_from="20100601",
        valid_to="长期",
    ),
    "resident_expired": Card(
        name="欧阳娜",
        sex="2",
        nation="05",
        birth="19850715",
        address="福建省漳州市长泰区人民路12号",
        number="350605198507150026",
        issuer="漳州市公安局长泰分局",
        valid_from="20050801",
        valid_to="20250801",
    ),
    "hmt_permit": Card(
        kind="hmt_permit",
        name="陳怡君",
        sex="2",
        birth="19920101",
        address="福建省漳州市龙文区水仙大街66号",
        number="830000199201010025",
        issuer="漳州市公安局龙文分局",
        valid_from="20230520",
        valid_to="20280520",
        permit_number="01234567",
    ),
    "foreigner_2017": Card(
        kind="foreigner_2017",
        name="史密斯",
        name_en="SMITH, JOHN WILLIAM",
        sex="1",
        birth="19850310",
        number="GBR350085031012",
        valid_from="20190401",
        valid_to="20290401",
        country="GBR",
    ),
    "foreigner_2023": Card(
        kind="foreigner_2023",
        name_en="FERNANDEZ DE LA CRUZ, MARIA ALEJANDRA ISABEL",
        sex="2",
        birth="19810803",
        number="911124198108030024",
        valid_from="20240115",
        valid_to="20340115",
        country="ESP",
    ),
    "bank_card": Card(select_fault=0x81),
    "unknown_type": Card(read_fault=0x40),
    "damaged": Card(read_fault=0x41),
}


def card_of(argument: object) -> Card:
    """A shipped sample by its name, or a card from JSON fields. Raises BadAction."""
    if isinstance(argument, str) and argument in SAMPLES:
        return SAMPLES[argument]
    if isinstance(argument, dict):
        base = argument.get("sample", "")
        known = {field.name for field in fields(Card)}
        unknown = argument.keys() - known - {"sample"}
        if unknown:
            raise BadAction(f"a card has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}")
        if base and base not in SAMPLES:
            raise BadAction(f"no sample {base!r}; there are {', '.join(SAMPLES)}")
        own = {name: argument[name] for name in argument.keys() & known}
        for name, value in own.items():
            if not isinstance(value, int if name.endswith("_fault") else str):
                raise BadAction(f"{name} cannot be {value!r}")
        card = replace(SAMPLES.get(base, Card()), **own)
        text_block(card)
        return card
    raise BadAction(f"no card {argument!r}; lay one of {', '.join(SAMPLES)}, or one in JSON")


def text_block(card: Card) -> bytes:
    """The card's 256 bytes. Raises BadAction for a field that does not fit."""
    if card.kind not in get_args(Kind):
        raise BadAction(f"no kind {card.kind!r}; there are {', '.join(get_args(Kind))}")
    block = bytearray(" ".encode("utf-16-le") * 128)

    def put(value: str, at: int, room: int, what: str) -> None:
        data = value.encode("utf-16-le", "surrogatepass")
        if len(data) > room:
            raise BadAction(f"{what} {value!r} is longer than the {room // 2} characters that a card has for it")
        block[at : at + len(data)] = data

    def day(value: str, at: int, what: str) -> None:
        put(value.replace("-", ""), at, 16, what)

    sequence = card.number[16:17]
    sex = card.sex or ("21"[int(sequence) % 2] if sequence.isdecimal() else "")
    birth = card.birth or card.number[6:14]
    day(card.valid_from, 188, "valid_from")
    day(card.valid_to, 204, "valid_to")
    if card.kind == "foreigner_2017":
        put(card.name_en, 0, 120, "name_en")
        put(sex, 120, 2, "sex")
        put(card.number, 122, 30, "number")
        put(card.country, 152, 6, "country")
        put(card.name, 158, 30, "name")
        day(birth, 220, "birth")
        put("01", 236, 4, "version")
        put(card.issuer or "1500", 240, 8, "issuer")
        put("I", 248, 2, "type")
        return bytes(block)
    put(card.name, 0, 30, "name")
    put(sex, 30, 2, "sex")
    day(birth, 36, "birth")
    put(card.number, 122, 36, "number")
    if card.kind == "foreigner_2023":
        put("00", 32, 4, "renewals")
        put(card.name_en[:35], 52, 70, "name_en")
        put(card.name_en[35:], 220, 22, "name_en beyond its 35th letter")
        put(card.country, 242, 6, "country")
        put("Y", 248, 2, "type")
        return bytes(block)
    put(card.address, 52, 70, "address")
    put(card.issuer, 158, 30, "issuer")
    if card.kind == "resident":
        put(card.nation, 32, 4, "nation")
    else:
        put(card.permit_number, 220, 18, "permit_number")
        put("01", 238, 4, "issue count")
        put("J", 248, 2, "type")
    return bytes(block)
