"""The files that pages load: one style sheet, one module, one script, one icon."""

from __future__ import annotations

import hashlib
import re
from functools import cache

from fastapi import APIRouter, Response

from serving.drawing.svg import STATIC

router = APIRouter(include_in_schema=False)

DARK = re.compile(r':root:not\(\[data-theme="light"\]\) \{(.*?)\}', re.DOTALL)
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
YEAR = 365 * 24 * 3600


@cache
def assets() -> dict[str, bytes]:
    """Each file by its name, as served."""
    read = {each.name: each.read_text() for each in sorted(STATIC.iterdir())}
    tokens, *others = (read.pop(name) for name in ("tokens.css", "charts.css", "pages.css"))
    (dark,) = DARK.findall(tokens)
    # Who chooses dark gets the colours of who prefers it.
    read["trendhouse.css"] = "".join((tokens, f':root[data-theme="dark"] {{{dark}}}\n', *others))
    return {name: text.encode() for name, text in read.items()}


@cache
def stamp() -> str:
    """Changes with the files; pages ask for them by it, so that they may be kept for ever."""
    return hashlib.sha256(b"".join(assets().values())).hexdigest()[:10]


@router.get("/static/{name}")
async def asset(name: str) -> Response:
    """A file of the pages."""
    if name not in assets():
        return Response("There is no such file.", 404, media_type="text/plain")
    kind = TYPES["." + name.rsplit(".", 1)[1]]
    kept = {"Cache-Control": f"public, max-age={YEAR}, immutable"}
    return Response(assets()[name], media_type=kind, headers=kept)
