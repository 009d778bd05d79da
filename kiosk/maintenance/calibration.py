"""Where a finger came down and where it should have: what the glass has to be told so that the two agree.

The X server moves every touch by a 3 × 3 matrix of the input device, ``Coordinate Transformation Matrix``, in parts of
width and height (0 to 1). Points are measured with the matrix in force already at work, so the new one is what was
found times the one in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kiosk.session.panel import CROSSES

#: Thousandths of width or height.
Point = tuple[int, int]

#: Thousandths by which a touch may still miss its cross with the matrix found: more is no calibration but an unsteady
#: hand, or a glass that is broken.
STEADY = 15.0

#: Thousandths of a point that nobody notices: half a fingertip on a panel 340 mm wide.
FINE = 10.0

#: A glass may be mounted turned or mirrored; but one that stretches or shrinks the finger's way more than this (or maps
#: the whole of it on a line) was not pointed at.
STRETCH = (0.5, 2.0)


@dataclass(frozen=True)
class Matrix:
    """The upper two rows; the third is always 0 0 1."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

    def __call__(self, x: float, y: float) -> tuple[float, float]:
        return self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f

    def after(self, first: Matrix) -> Matrix:
        """``first``, then this one."""
        return Matrix(
            self.a * first.a + self.b * first.d,
            self.a * first.b + self.b * first.e,
            self.a * first.c + self.b * first.f + self.c,
            self.d * first.a + self.e * first.d,
            self.d * first.b + self.e * first.e,
            self.d * first.c + self.e * first.f + self.f,
        )

    @property
    def text(self) -> str:
        """As ``xinput set-prop DEVICE 'Coordinate Transformation Matrix'`` takes it."""
        return " ".join(f"{value:.6f}" for value in (self.a, self.b, self.c, self.d, self.e, self.f, 0, 0, 1))


def matrix_of(text: str) -> Matrix:
    """``Matrix.text`` read back; what is empty stands for a glass as it is. Raises ValueError for anything else."""
    if not text.strip():
        return Matrix()
    a, b, c, d, e, f, *last = (float(part) for part in text.replace(",", " ").split())
    if last != [0, 0, 1]:
        raise ValueError(f"not a matrix of a flat glass: {text!r}")
    return Matrix(a, b, c, d, e, f)


@dataclass(frozen=True)
class Found:
    """``offset``: how far the touches missed, at worst, in thousandths; ``left``: and would with ``matrix``."""

    matrix: Matrix
    offset: float
    left: float

    @property
    def usable(self) -> bool:
        turns = abs(self.matrix.a * self.matrix.e - self.matrix.b * self.matrix.d)
        return self.left <= STEADY and STRETCH[0] <= turns <= STRETCH[1]

    @property
    def needed(self) -> bool:
        return self.offset > FINE


def missed(point: Point, cross: Point) -> float:
    """Thousandths between the two, along the edge that is further off."""
    return float(max(abs(point[0] - cross[0]), abs(point[1] - cross[1])))


def find(points: Sequence[Point], crosses: Sequence[Point] = CROSSES, in_force: Matrix | None = None) -> Found | None:
    """The matrix that brings the points closest to their crosses (least squares). None where they say nothing: too few,
    or all on one line."""
    if len(points) != len(crosses) or len(points) < 3:
        return None
    seen = [(x / 1000, y / 1000) for x, y in points]
    wanted = [(x / 1000, y / 1000) for x, y in crosses]
    across = _plane(seen, [x for x, _ in wanted])
    down = _plane(seen, [y for _, y in wanted])
    if across is None or down is None:
        return None
    correction = Matrix(*across, *down)
    moved = [correction(x, y) for x, y in seen]
    left = max(max(abs(x - to_x), abs(y - to_y)) for (x, y), (to_x, to_y) in zip(moved, wanted, strict=True))
    offset = max(missed(point, cross) for point, cross in zip(points, crosses, strict=True))
    return Found(correction.after(in_force or Matrix()), offset, left * 1000)


def _plane(at: Sequence[tuple[float, float]], values: Sequence[float]) -> tuple[float, float, float] | None:
    """``a x + b y + c`` closest to the values: the normal equations, about the middle of the points."""
    count = len(at)
    mid_x, mid_y, mid = sum(x for x, _ in at) / count, sum(y for _, y in at) / count, sum(values) / count
    xx = sum((x - mid_x) ** 2 for x, _ in at)
    yy = sum((y - mid_y) ** 2 for _, y in at)
    xy = sum((x - mid_x) * (y - mid_y) for x, y in at)
    xv = sum((x - mid_x) * (v - mid) for (x, _), v in zip(at, values, strict=True))
    yv = sum((y - mid_y) * (v - mid) for (_, y), v in zip(at, values, strict=True))
    spread = xx * yy - xy * xy
    if spread < 1e-6:
        return None
    a, b = (xv * yy - yv * xy) / spread, (yv * xx - xv * xy) / spread
    return a, b, mid - a * mid_x - b * mid_y
