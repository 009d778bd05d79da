"""The least that a Kivy window costs here: one white rectangle. ``python -m benchmarks.bare_window WIDTH HEIGHT FILE``

Writes FILE when the first frame is on the glass. The floor beside which ``start_and_memory`` stands.
"""

from __future__ import annotations

import sys
from pathlib import Path

from screens.environment import Look, prepare


def main(width: int, height: int, drawn: Path) -> None:
    prepare(Look("portrait" if height > width else "landscape", width, height, fullscreen=False))

    from kivy.app import App
    from kivy.core.window import Window
    from kivy.graphics import Color, Rectangle
    from kivy.uix.widget import Widget

    app = App()
    app.root = Widget()
    with app.root.canvas:
        Color(1, 1, 1)
        Rectangle(size=(width, height))
    Window.bind(on_flip=lambda *_: drawn.touch())
    app.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
