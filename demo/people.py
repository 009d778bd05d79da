"""People who come to the hall. All invented; a number may by chance be somebody's, so it is used for nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    name: str
    number: str
    masked: str
    """As screens and slips may show them."""


OUYANG = Person("欧阳娜", "35062219880808003X", "欧*娜 3506**********003X")
LI = Person("李雷", "350602199001010013", "李* 3506**********0013")
CHEN = Person("陈美玲", "350605198507150026", "陈*玲 3506**********0026")
HUANG = Person("黄志强", "350625199912310011", "黄*强 3506**********0011")
LIN = Person("林国栋", "350681197006158881", "林*栋 3506**********8881")
WU = Person("吴小燕", "350604200002290027", "吴*燕 3506**********0027")
ZHANG = Person("张伟", "350622199602290036", "张* 3506**********0036")
CAI = Person("蔡淑芬", "350605198402290022", "蔡*芬 3506**********0022")
