"""Charts and badges as small SVG: made offline, themed by the style sheet, read by screen readers.

A module of its own because no kept chart library does all of it: pygal's SVG carries a script from a host and a
fixed theme, matplotlib's is large and has no text, altair needs a JavaScript engine to draw at all.
"""
