"""The main views as files for any static host: what the application answers, page by page."""

from __future__ import annotations

import html
import os
import re
import shutil
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx
from fastapi import FastAPI

from serving.app import create_app
from serving.queries import products
from trendhouse.errors import TrendhouseError, UsageError
from trendhouse.settings import Settings

LINK = re.compile(r'(?:href|src|action)="([^"]+)"')
HERE = "http://site/"
KOREAN = "ko/"
# Says that a folder is a site, which the next one may replace.
MARK = ".trendhouse-site"


class NotASite(UsageError, ValueError):
    """A folder that holds something else is not replaced."""


class Unwritable(TrendhouseError):
    """A page that a site links to, but the application does not answer."""


async def write_site(settings: Settings, folder: Path, address: str | None = None) -> int:
    """Write the site of what is published into a folder, whole or not at all; how many files it has.

    With its absolute `address` feeds have absolute links. Files that are as before keep their time.
    Raises NotASite, NothingPublished, Unwritable.
    """
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise NotASite(f"{folder} holds something else than a site; name another folder.")
    beside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        count = await Walk(settings, beside, address).write()
        (beside / MARK).touch()
        keep_times(folder, beside)
        swap(folder, beside)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return count


class Walk:
    """From page to page along their links, each written once."""

    def __init__(self, settings: Settings, folder: Path, address: str | None) -> None:
        self.folder = folder
        # What guards a server from strangers would only stop ourselves.
        open_to_us = settings.model_copy(update={"rate_limit": "none", "hosts": ["*"]})
        self.app: FastAPI = create_app(open_to_us)
        self.app.state.is_site = True
        self.app.state.site_address = f"{address.rstrip('/')}/" if address else None

    async def write(self) -> int:
        async with self.app.router.lifespan_context(self.app):
            model = self.app.state.follower.model
            names = [each["product_name"] for each in products.listed(model)]
            seeds = ["", KOREAN, *(f"products/{quote(name)}/" for name in names if is_plain(name))]
            waiting, known = seeds, set(seeds)
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
                while waiting:
                    path = waiting.pop()
                    for link in await self.take(client, path):
                        if link not in known:
                            known.add(link)
                            waiting.append(link)
        return len(known)

    async def take(self, client: httpx.AsyncClient, path: str) -> set[str]:
        """Write a page or file by its path in the site; what it links to."""
        is_korean = path.startswith(KOREAN)
        answer = await client.get(
            f"/{path.removeprefix(KOREAN)}", params={"lang": "ko"} if is_korean else None
        )
        if answer.status_code != 200:
            raise Unwritable(f"/{path} is answered with {answer.status_code}: {answer.text[:200]}")
        file = self.folder / unquote(
            path + "index.html" if path.endswith("/") or not path else path
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(answer.content)
        if not answer.headers["content-type"].startswith("text/html"):
            return set()
        links = (urljoin(HERE + path, html.unescape(link)) for link in LINK.findall(answer.text))
        return {urlsplit(link).path[1:] for link in links if link.startswith(HERE)}


def is_plain(name: str) -> bool:
    """Whether a name is a path that stays where it is put."""
    return all(part not in ("", ".", "..") for part in name.split("/"))


def keep_times(before: Path, after: Path) -> None:
    """Files with the bytes that they had get the time that they had."""
    for file in after.rglob("*"):
        old = before / file.relative_to(after)
        if file.is_file() and old.is_file() and old.read_bytes() == file.read_bytes():
            times = old.stat()
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def swap(folder: Path, beside: Path) -> None:
    """Put what was written in the folder's place."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
