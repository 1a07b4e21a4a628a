"""A line chart over days: lines that look as their origin, release markers, and its provenance as text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from xml.etree import ElementTree as ET

from serving.drawing.scales import day_ticks, round_ticks, short
from serving.drawing.svg import add, root, written

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 468, 66, 242
LABEL_WIDTH = 52  # of a marker's label; where the next would overlap it there is none
MOST_DOTS = 40
ROW = 16  # height of a line of text
LETTER = 6.4


@dataclass(frozen=True)
class Line:
    """Points joined in one look, a class of charts.css; without a label it is not in the legend.

    `is_step`: each value holds until the next.
    """

    points: tuple[tuple[date, float], ...]
    look: str
    label: str | None = None
    is_step: bool = False


@dataclass(frozen=True)
class Marker:
    """Something that happened on a day, as the release of a version."""

    day: date
    label: str


@dataclass(frozen=True)
class Chart:
    """What is drawn: `notes` are its provenance, `empty` what is said where there are no points."""

    title: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    empty: str
    markers: tuple[Marker, ...] = ()
    is_from_zero: bool = False

    @property
    def points(self) -> list[tuple[date, float]]:
        return [point for line in self.lines for point in line.points]

    @property
    def legend(self) -> list[tuple[str, str, float, int]]:
        """Label, look, x and row of each entry; what has no room begins a new row."""
        looks = {line.label: line.look for line in self.lines if line.label}
        entries, x, row = [], 12.0, 0
        for label, look in looks.items():
            # Hangul and the like are twice as wide.
            width = 40 + sum(LETTER * (2 if ord(letter) > 0x1100 else 1) for letter in label)
            if entries and x + width > WIDTH:
                x, row = 12.0, row + 1
            entries.append((label, look, x, row))
            x += width
        return entries

    def svg(self, *, alone: bool) -> str:
        """The image; `alone` it brings its style, in a page it has the page's."""
        lower = ROW * max((row for *_, row in self.legend), default=0)
        image = root(WIDTH, HEIGHT + lower, self.title, "chart", alone=alone)
        if alone:
            add(image, "rect", class_="paper", width=WIDTH, height=HEIGHT + lower, rx=8)
        add(image, "text", self.title, class_="title", x=12, y=24)
        for label, look, x, row in self.legend:
            add(image, "path", class_=f"line {look}", d=f"M{x:.0f} {42 + ROW * row}h18")
            add(image, "text", label, class_="legend", x=x + 23, y=46 + ROW * row)
        body = add(image, "g", transform=f"translate(0 {lower})")
        if self.points:
            Plot(self, body).draw()
        else:
            add(body, "text", self.empty, class_="note", x=12, y=(TOP + BOTTOM) / 2)
        for number, note in enumerate(reversed(self.notes)):
            add(body, "text", note, class_="note", x=12, y=HEIGHT - 12 - ROW * number)
        return written(image)


class Plot:
    """The axes and lines of a chart with points."""

    def __init__(self, chart: Chart, image: ET.Element) -> None:
        self.chart, self.image = chart, image
        days = [day for day, _ in chart.points]
        values = [value for _, value in chart.points]
        self.first, self.last = min(days), max(days)
        self.levels = round_ticks(0 if chart.is_from_zero else min(values), max(values))

    def x(self, day: date) -> float:
        span = (self.last - self.first).days
        return LEFT + (RIGHT - LEFT) * ((day - self.first).days / span if span else 0.5)

    def y(self, value: float) -> float:
        low, high = self.levels[0], self.levels[-1]
        return BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)

    def draw(self) -> None:
        for level in self.levels:
            y = self.y(level)
            add(self.image, "path", class_="grid", d=f"M{LEFT} {y:.1f}H{RIGHT}")
            add(
                self.image,
                "text",
                short(level),
                class_="tick",
                x=LEFT - 6,
                y=y + 4,
                text_anchor="end",
            )
        for day, label in day_ticks(self.first, self.last):
            x = self.x(day)
            # Half of a label is about 18 wide; at the right edge it would be cut.
            anchor = "end" if x > RIGHT - 18 else "middle"
            add(self.image, "text", label, class_="tick", x=x, y=BOTTOM + 18, text_anchor=anchor)
        self.draw_markers()
        for line in self.chart.lines:
            self.draw_line(line)

    def draw_markers(self) -> None:
        shown = [each for each in self.chart.markers if self.first <= each.day <= self.last]
        free = RIGHT + LABEL_WIDTH
        for marker in sorted(shown, key=lambda each: each.day, reverse=True):
            x = self.x(marker.day)
            group = add(self.image, "g", class_="marker")
            add(group, "title", f"{marker.label} · {marker.day}")
            add(group, "path", d=f"M{x:.1f} {TOP - 2}V{BOTTOM}")
            if x <= free - LABEL_WIDTH and len(marker.label) * LETTER <= LABEL_WIDTH:
                anchor = "end" if x > RIGHT - 20 else "start" if x < LEFT + 20 else "middle"
                add(group, "text", marker.label, x=x, y=TOP - 6, text_anchor=anchor)
                free = x

    def draw_line(self, line: Line) -> None:
        places = [(self.x(day), self.y(value)) for day, value in line.points]
        (x, y), *others = places
        if others:
            form = "H{:.1f}V{:.1f}" if line.is_step else "L{:.1f} {:.1f}"
            way = f"M{x:.1f} {y:.1f}" + "".join(form.format(*place) for place in others)
            add(self.image, "path", class_=f"line {line.look}", d=way)
        if len(places) == 1 or (line.label and len(self.chart.points) <= MOST_DOTS):
            for (x, y), (day, value) in zip(places, line.points, strict=True):
                dot = add(self.image, "circle", class_=f"dot {line.look}", cx=x, cy=y, r=2.5)
                add(dot, "title", f"{day}: {value:,.0f}")
