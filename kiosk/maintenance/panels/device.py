"""One device: its state, what it counted, what it said before; and how to try it."""

from __future__ import annotations

from drivers.contract import DeviceState
from kiosk.maintenance.panels.lines import device_tone, moment
from kiosk.maintenance.world import DEVICES, World
from kiosk.session.panel import Action, Line, Panel, Place, Tone

#: Notes shown; the store keeps more, and the bundle takes them all along.
HISTORY = 40

#: What a device can be tried with.
TRIALS = {"id_card": "test_read", "ticket_printer": "test_print", "receipt_printer": "test_print", "pos": "handshake"}


def build(world: World, subject: str) -> Panel:
    status = world.status(subject) if subject in DEVICES else None
    if status is None:
        return Panel(Place.DEVICE, subject, note="no_such_device")
    lines = [Line("state", word=f"state_{status.device.value}", tone=device_tone(status))]
    if status.paper is not None:
        lines.append(Line("paper_state", word=f"paper_{status.paper.value}"))
    if status.cover_open is not None:
        lines.append(Line("cover", word="open" if status.cover_open else "closed"))
    if status.media is not None:
        lines.append(Line("media", word=f"media_{status.media.value}"))
    if status.detail:
        lines.append(Line("detail", status.detail))
    if url := _port(world, subject):
        lines.append(Line("port", url))
    lines += [
        Line(f"counter_{counter.name}", f"{counter.value} ({moment(counter.since)})")
        for counter in world.store.devices.counters(subject)
    ]
    for note in world.store.devices.history(subject, HISTORY):
        tone = Tone.PLAIN if note.state == DeviceState.ONLINE else Tone.WARN
        # Of a printer that answers it is the paper that changes.
        answers = note.state in (DeviceState.ONLINE, DeviceState.USER_ERROR)
        word = f"paper_{note.paper}" if note.paper and answers else f"state_{note.state}"
        lines.append(Line(f"{moment(note.at)}  {note.detail}".rstrip(), word=word, tone=tone, raw=True))
    trial = TRIALS.get(subject)
    return Panel(Place.DEVICE, subject, tuple(lines), (Action(trial, subject),) if trial else ())


def _port(world: World, device: str) -> str:
    return str(getattr(world.settings.devices, device))
