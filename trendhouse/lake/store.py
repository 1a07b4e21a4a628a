"""An object store as a lake needs it: listings, whole files, and writes that never undo another's."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import get_ident
from typing import IO, Any
from urllib.parse import urlsplit
from uuid import uuid4
from zlib import crc32

from trendhouse.errors import TrendhouseError

# Files of two parts and more go up in parts; so many files at once, so many parts of each.
PART_BYTES = 16 * 2**20
FILES_AT_ONCE = PARTS_AT_ONCE = 4
DELETED_AT_ONCE = 1000
PROBES = "locks/probes"
PRECONDITION_FAILED = {412, 409, "PreconditionFailed", "ConditionalRequestConflict"}


class LakeUnreachable(TrendhouseError):
    """The object store refused, is not there, or kept failing; the message says how to mend it."""


class Conflict(TrendhouseError):
    """Another writer has changed the lake since it was read; nothing of it was overwritten."""


@dataclass(frozen=True)
class Entry:
    """An object as listed: bytes, whole seconds since 1970, and the tag that its next content changes."""

    size: int
    modified: int
    tag: str

    def mark(self, copy: Path) -> None:
        """Give a copy of this very object a time that no file gets by being written."""
        os.utime(copy, ns=(self.stamp, self.stamp))

    def is_copied_to(self, path: Path) -> bool:
        try:
            found = path.stat()
        except FileNotFoundError:
            return False
        return (found.st_size, found.st_mtime_ns) == (self.size, self.stamp)

    @property
    def stamp(self) -> int:
        """The object's second, with a hash of its tag for nanoseconds."""
        return self.modified * 10**9 + crc32(self.tag.encode()) % 10**9


class Store(ABC):
    """The objects below one URL; names are relative to it. Requests that fail for a moment are repeated
    by the protocol's own library, as its environment variables say (AWS_MAX_ATTEMPTS, AWS_RETRY_MODE).

    Every method raises LakeUnreachable.
    """

    credentials: str
    address: str

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self.is_there = False
        self.protocol, self.bucket = parts.scheme, parts.netloc
        self.prefix = "/".join(filter(None, [parts.netloc, parts.path.strip("/")]))

    def options(self) -> dict[str, Any]:
        """How fsspec makes the file system; credentials come from the environment alone."""
        return {"use_listings_cache": False, "skip_instance_cache": True}

    @cached_property
    def fs(self) -> Any:
        import fsspec

        try:
            return fsspec.filesystem(self.protocol, **self.options())
        except ImportError as missing:
            told = f"{self.url} needs a package that is not installed: {missing}."
            raise LakeUnreachable(f"{told} docs/object-storage.md says how.") from missing

    def path(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def require(self) -> None:
        """Raises LakeUnreachable unless the bucket is there: it would otherwise look like an empty one."""
        if not self.is_there:
            with self.explained("look into"):
                self.look()
            self.is_there = True

    def list(self, under: str) -> dict[str, Entry]:
        """Every object below the folder `under`, all pages of the listing, by its name."""
        self.require()
        with self.explained("list"):
            found = self.fs.find(self.path(under), detail=True)
        return {name.removeprefix(f"{self.prefix}/"): self.entry(of) for name, of in found.items()}

    def info(self, name: str) -> Entry | None:
        """One object as it is now; None if there is none."""
        with self.explained("look at"):
            try:
                return self.entry(self.fs.info(self.path(name), refresh=True))
            except FileNotFoundError:
                return None

    def read(self, name: str) -> bytes:
        with self.explained("read"):
            return self.fs.cat_file(self.path(name))

    def open(self, name: str) -> IO[bytes]:
        """An object for reading in parts, as a Parquet footer is."""
        with self.explained("read"):
            return self.fs.open(self.path(name), "rb")

    def get(self, name: str, target: Path, entry: Entry) -> None:
        """Copy an object to a file, which appears whole and marked. Raises Conflict if it is another one
        now, or none."""
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{os.getpid()}.{get_ident()}.part")
        with self.explained("read"):
            try:
                self.fs.get_file(self.path(name), str(beside))
            except FileNotFoundError as gone:
                raise Conflict(
                    f"{self.url}/{name} is not there any more; run this step again."
                ) from gone
            if (size := beside.stat().st_size) != entry.size:
                raise Conflict(f"{self.url}/{name} came with {size} bytes instead of {entry.size}.")
        entry.mark(beside)
        os.replace(beside, target)

    def get_all(self, wanted: Iterable[tuple[str, Path, Entry]]) -> None:
        at_once(lambda each: self.get(*each), wanted)

    def put(self, path: Path, name: str, *, is_new: bool) -> Entry:
        """Upload a file: an object appears when its last byte has arrived, and not before.

        With `is_new` nothing may stand there, but for the same bytes: raises Conflict. (The answer to an
        upload that succeeded can be lost, and the repeated one then finds its own.)
        """
        mode = "create" if is_new else "overwrite"
        limits = {"chunksize": PART_BYTES, "max_concurrency": PARTS_AT_ONCE}
        with self.explained("write"):
            try:
                self.fs.put_file(str(path), self.path(name), mode=mode, **limits)
            except OSError as error:
                if not (is_new and is_refusal(error)):
                    raise
                if self.info(name) is None or self.read(name) != path.read_bytes():
                    raise Conflict(f"{self.url}/{name} was written by somebody else.") from error
        entry = self.info(name)
        if entry is None:
            raise Conflict(f"{self.url}/{name} was deleted as soon as it was written.")
        entry.mark(path)
        return entry

    def swap(self, name: str, content: bytes, tag: str | None) -> str:
        """Replace an object whose tag is still `tag` (None: create it), in one instant; the new tag.

        Raises Conflict if it has been changed, created or deleted by somebody else.
        """
        with self.explained("write"):
            try:
                return self.swap_if(name, content, tag)
            except OSError as error:
                now = self.info(name)
                if now is not None and self.read(name) == content:
                    return now.tag
                if not (is_refusal(error) or (tag and now is None)):
                    raise
                raise Conflict(
                    f"{self.url}/{name} was changed by somebody else, on another machine perhaps. Nothing "
                    "was overwritten; run this step again, it starts from what is there now."
                ) from error

    def require_conditions(self) -> None:
        """Raises LakeUnreachable for a store that ignores the conditions of a write: two machines would
        overwrite each other there."""
        name = f"{PROBES}/{uuid4().hex}"
        with self.explained("write"):
            self.swap_if(name, b"1", None)
            try:
                self.swap_if(name, b"2", None)
            except OSError as error:
                if not is_refusal(error):
                    raise
                return
            finally:
                self.delete([name])
        raise LakeUnreachable(
            f"{self.url} ignores conditional writes (If-None-Match), on which the lake rests. "
            "Take a server that obeys them, as AWS and Google do."
        )

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; those that are gone already, too."""
        names = list(names)
        with self.explained("delete in"):
            for start in range(0, len(names), DELETED_AT_ONCE):
                self.delete_some(names[start : start + DELETED_AT_ONCE])

    @contextmanager
    def explained(self, verb: str) -> Iterator[None]:
        """Turn what the libraries raise into LakeUnreachable with a remedy."""
        try:
            yield
        except (Conflict, LakeUnreachable):
            raise
        except Exception as error:
            raise LakeUnreachable(
                f"Could not {verb} {self.url}: {said(error)}. {self.remedy(error)}"
            ) from error

    def remedy(self, error: Exception) -> str:
        text = f"{type(error).__name__} {said(error)}"
        if isinstance(error, PermissionError) or any(
            sign in text for sign in ("Credential", "Forbidden", "Unauthorized", "401", "403")
        ):
            return f"Check {self.credentials}, and that they may list, read, write and delete."
        if isinstance(error, FileNotFoundError):
            return (
                f"Create the bucket `{self.bucket}` (deploy/storage/), or mend TRENDHOUSE_LAKE_URL."
            )
        if "onnect" in text:
            return f"Check the network, and {self.address}."
        return "Requests were repeated and kept failing; nothing was committed that is not whole. Run it again."

    @abstractmethod
    def look(self) -> None:
        """Ask for the bucket; raises what the library raises where it is not there."""

    @abstractmethod
    def entry(self, info: dict[str, Any]) -> Entry:
        """An object out of what fsspec tells of it."""

    @abstractmethod
    def swap_if(self, name: str, content: bytes, tag: str | None) -> str:
        """Write an object whose tag is still `tag` (None: that is not there); the new tag. Raises OSError else."""

    @abstractmethod
    def delete_some(self, names: list[str]) -> None:
        """Delete at most DELETED_AT_ONCE objects."""


class S3(Store):
    """S3 and what speaks its language (AWS_ENDPOINT_URL); tags are ETags, conditions If-(None-)Match."""

    credentials = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (or the profile or role)"
    address = "AWS_ENDPOINT_URL"

    def look(self) -> None:
        self.fs.call_s3("list_objects_v2", Bucket=self.bucket, MaxKeys=1)

    def entry(self, info: dict[str, Any]) -> Entry:
        return Entry(info["size"], int(info["LastModified"].timestamp()), info["ETag"])

    def swap_if(self, name: str, content: bytes, tag: str | None) -> str:
        condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        bucket, key, _ = self.fs.split_path(self.path(name))
        return self.fs.call_s3("put_object", Bucket=bucket, Key=key, Body=content, **condition)[
            "ETag"
        ]

    def delete_some(self, names: list[str]) -> None:
        keys = [{"Key": self.fs.split_path(self.path(name))[1]} for name in names]
        wanted = {"Objects": keys, "Quiet": True}
        answer = self.fs.call_s3("delete_objects", Bucket=self.bucket, Delete=wanted)
        if refused := answer.get("Errors"):
            raise PermissionError(f"{refused[0]['Key']}: {refused[0]['Message']}")


class Gcs(Store):
    """Google Cloud Storage; tags are generations, conditions ifGenerationMatch."""

    credentials = "GOOGLE_APPLICATION_CREDENTIALS"
    address = "STORAGE_EMULATOR_HOST"

    def look(self) -> None:
        self.fs.call("GET", "b/{}/o", self.bucket, maxResults=1, json_out=True)

    def entry(self, info: dict[str, Any]) -> Entry:
        modified = datetime.fromisoformat(info["timeCreated"].replace("Z", "+00:00"))
        return Entry(info["size"], int(modified.timestamp()), str(info["generation"]))

    def swap_if(self, name: str, content: bytes, tag: str | None) -> str:
        bucket, key, _ = self.fs.split_path(self.path(name))
        answer = self.fs.call(
            "POST",
            f"{self.fs.base.removesuffix('storage/v1/')}upload/storage/v1/b/{{}}/o",
            bucket,
            uploadType="media",
            name=key,
            ifGenerationMatch=tag or "0",
            data=content,
            headers={"Content-Type": "application/octet-stream"},
            json_out=True,
        )
        return str(answer["generation"])

    def delete_some(self, names: list[str]) -> None:
        at_once(self.delete_one, names)

    def delete_one(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self.fs.rm_file(self.path(name))


PROTOCOLS: dict[str, type[Store]] = {"s3": S3, "gs": Gcs}


def open_store(url: str) -> Store:
    """The store below a URL. Nothing is sent yet. Raises ValueError unless it is `s3://…` or `gs://…`."""
    parts = urlsplit(url)
    if parts.scheme not in PROTOCOLS or not parts.netloc:
        raise ValueError("give s3://bucket/folder or gs://bucket/folder")
    return PROTOCOLS[parts.scheme](url)


def at_once(act: Any, things: Iterable[Any]) -> list[Any]:
    """`act` on each of them, some at a time; raises what the first failure raised."""
    with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="lake") as pool:
        return list(pool.map(act, things))


def is_refusal(error: OSError) -> bool:
    """Whether a conditional write met something else than it expected."""
    if isinstance(error, FileExistsError):
        return True
    answer = getattr(error.__cause__, "response", None) or {}
    code = answer.get("Error", {}).get("Code")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return code in PRECONDITION_FAILED or status in PRECONDITION_FAILED


def said(error: Exception) -> str:
    """The first line of an error, or its kind."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
