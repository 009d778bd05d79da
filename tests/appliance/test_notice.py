"""When the front end cannot say so itself, a picture says that this machine is out of service, with a code."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from demo.display import virtual
from screens import extract_fonts, notice

extract_fonts.main()


@pytest.mark.parametrize(("width", "height"), [(1080, 1920), (1920, 1080), (800, 480)])
def test_no_word_of_the_picture_is_cut_off(width: int, height: int) -> None:
    image = notice.picture(width, height, "S3")
    for side in (0, width - 1):
        colours = {image.getpixel((side, y)) for y in range(height)}
        assert colours <= {(8, 66, 160), (255, 255, 255)}, "something touches the edge"
    assert {image.getpixel((x, height - 1)) for x in range(width)} == {(255, 255, 255)}


def test_each_fault_is_another_picture() -> None:
    assert notice.picture(540, 960, "S3").tobytes() != notice.picture(540, 960, "D1").tobytes()


@pytest.mark.e2e
def test_it_covers_the_bare_screen_and_goes_when_somebody_holds_a_finger_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice, "HOLD_S", 1.0)
    monkeypatch.setenv("XAUTHORITY", "")
    display = virtual(tmp_path / "screen.log", 600, 800)
    try:
        monkeypatch.setenv("DISPLAY", display.name)
        ended: list[bool] = []
        shown = threading.Thread(target=lambda: ended.append(notice.show("S3", 60)), daemon=True)
        shown.start()
        environment = {**os.environ, "DISPLAY": display.name}
        expected = notice.picture(600, 800, "S3")
        seen = tmp_path / "seen.png"
        until = time.monotonic() + 30
        while time.monotonic() < until:
            subprocess.run(["scrot", "--overwrite", str(seen)], env=environment, check=True, capture_output=True)
            if Image.open(seen).convert("RGB").tobytes() == expected.tobytes():
                break
            time.sleep(0.2)
        assert Image.open(seen).convert("RGB").tobytes() == expected.tobytes()
        # A short touch is nothing.
        subprocess.run(["xdotool", "mousemove", "300", "400", "click", "1"], env=environment, check=True)
        time.sleep(1.5)
        assert ended == []
        subprocess.run(["xdotool", "mousemove", "300", "400", "mousedown", "1"], env=environment, check=True)
        shown.join(20)
        assert ended == [True]
    finally:
        assert display.xvfb is not None
        display.xvfb.stop()


def test_without_x_it_goes_into_the_frame_buffer(tmp_path: Path) -> None:
    facts = tmp_path / "fb0"
    facts.mkdir()
    stride = 640 * 4 + 64
    for name, value in {"virtual_size": "640,480", "stride": str(stride), "bits_per_pixel": "32"}.items():
        (facts / name).write_text(f"{value}\n")
    device = tmp_path / "device"
    device.write_bytes(bytes(stride * 480))
    assert notice.paint_frame_buffer("S3", device, facts)
    painted = device.read_bytes()
    assert len(painted) == stride * 480
    row = painted[stride * 10 : stride * 10 + 640 * 4]
    assert Image.frombytes("RGB", (640, 1), row, "raw", "BGRX").tobytes() == (
        notice.picture(640, 480, "S3").crop((0, 10, 640, 11)).tobytes()
    )


def test_a_machine_without_any_screen_is_no_reason_to_die(tmp_path: Path) -> None:
    assert not notice.paint_frame_buffer("S3", tmp_path / "none", tmp_path / "nothing")
