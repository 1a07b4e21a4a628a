"""A badge: what is stated, and its value."""

from __future__ import annotations

from serving.drawing.svg import add, root, written

HEIGHT = 22
PADDING = 8
LETTER = 6.9
LOOKS = ("plain", "good", "warning", "over")


def badge(label: str, value: str, look: str = "plain") -> str:
    """An image of one line; `look` is one of LOOKS."""
    left, right = (round(width(text)) for text in (label, value))
    image = root(left + right, HEIGHT, f"{label}: {value}", "badge", alone=True)
    add(image, "rect", class_="said", width=left + right, height=HEIGHT, rx=5)
    add(
        image,
        "path",
        class_=look,
        d=f"M{left} 0H{left + right - 5}q5 0 5 5v{HEIGHT - 10}q0 5 -5 5H{left}z",
    )
    add(image, "text", label, class_="label", x=left / 2, y=15, text_anchor="middle")
    add(image, "text", value, class_="value", x=left + right / 2, y=15, text_anchor="middle")
    return written(image)


def width(text: str) -> float:
    """About as wide as the text is in the badge's font; Hangul and the like are twice as wide."""
    return 2 * PADDING + sum(LETTER * (1.7 if ord(each) > 0x1100 else 1) for each in text)
