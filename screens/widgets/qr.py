"""A QR code as a picture on white, sharp at every size."""

from __future__ import annotations

import segno
from kivy.graphics.texture import Texture

from screens.widgets.box import Box, Rect
from screens.widgets.pen import Pen

#: Empty modules around the code (ISO 18004).
QUIET = 4


class Qr(Box):
    """``size``: side in units, quiet zone included."""

    def __init__(self, content: str, size: float) -> None:
        self.size = size
        self._rows = list(segno.make_qr(content, error="m").matrix_iter(border=QUIET))

    def wants(self) -> float | None:
        return self.size

    def needs(self, width: float) -> float:
        return self.size

    def draw(self, pen: Pen) -> None:
        side = len(self._rows)
        texture = Texture.create(size=(side, side), colorfmt="luminance")
        texture.mag_filter = texture.min_filter = "nearest"
        # Texture rows count from the bottom.
        pixels = bytes(0 if dark else 255 for row in reversed(self._rows) for dark in row)
        texture.blit_buffer(pixels, colorfmt="luminance", bufferfmt="ubyte")
        edge = min(self.rect.w, self.rect.h)
        left = self.rect.x + (self.rect.w - edge) / 2
        pen.image(texture, Rect(left, self.rect.y + (self.rect.h - edge) / 2, edge, edge))
