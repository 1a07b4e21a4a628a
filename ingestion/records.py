"""Records of a JSON answer as received: each one's own bytes, and the few values wanted of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa

from ingestion.arrays import joined
from ingestion.unreadable import Malformed, is_whole, items_of, reason_of, shown, value_of

SPLIT = msgspec.json.Decoder(list[msgspec.Raw])
REFUSALS = (msgspec.DecodeError, pa.ArrowInvalid, RecursionError)


class Records:
    """Records in upstream's own bytes; what is not asked for is never decoded.

    That is what landing costs: to skip a value takes a tenth of the time of building it. The `texts` of an
    array are views of its body. `reasons` says of each why it cannot be read, None if it can; it is None
    as a whole where all can.
    """

    def __init__(
        self,
        texts: Sequence[bytes | msgspec.Raw],
        reasons: Sequence[str | None] | None = None,
    ) -> None:
        self.texts = texts
        self.reasons = reasons
        self.values: dict[str, Sequence[str | None]] = {}

    @classmethod
    def of_array(cls, body: bytes) -> Records:
        """The items of a JSON array, odd ones among them. Raises Malformed for what is not one array."""
        try:
            joined([body]).validate(full=True)  # is it UTF-8? `body.decode` takes six times as long
            return cls(SPLIT.decode(body))
        except REFUSALS:
            return cls.of_texts(items_of(body))

    @classmethod
    def of_object(cls, body: bytes) -> Records:
        """An object as one record. Raises Malformed for what is not a single value."""
        try:
            joined([body]).validate(full=True)
            SPLIT.decode(b"[%b]" % body)
            return cls([body])
        except REFUSALS as error:
            if not is_whole(body):
                raise Malformed(str(error)) from error
            return cls.of_texts([body])

    @classmethod
    def of_texts(cls, texts: Iterable[bytes]) -> Records:
        """Texts of which some may not be readable."""
        kept, reasons = [], []
        for text in texts:
            try:
                joined([text]).validate(full=True)
                SPLIT.decode(b"[%b]" % text)
                reasons.append(None)
            except REFUSALS:
                reasons.append(reason_of(text))
            kept.append(shown(text))
        return cls(kept, reasons if any(reasons) else None)

    @classmethod
    def of_values(cls, values: Iterable[Any]) -> Records:
        """Records that upstream did not send as such: cut out of an answer, or said by us."""
        values = list(values)
        try:
            return cls([msgspec.json.encode(value) for value in values])
        except ValueError:  # half a character: only escaped it is a text
            return cls.of_texts([json.dumps(value).encode() for value in values])

    def __len__(self) -> int:
        return len(self.texts)

    def texts_at(self, path: str) -> Sequence[str | None]:
        """The value of each record at a dotted path, as text; `a|b` is the first that is not null.

        None where a record has no such value.
        """
        if path not in self.values:
            self.read((path,))
        return self.values[path]

    def read(self, paths: tuple[str, ...]) -> None:
        """Read the values at several paths in one pass, for `texts_at` to give."""
        if not self.texts or not paths:
            self.values |= {path: [] for path in paths}
            return
        read = reader(paths)
        if self.reasons is None:
            rows = map(read, self.texts)
        else:
            rows = (
                lenient(text, paths) if reason else read(text)
                for text, reason in zip(self.texts, self.reasons, strict=True)
            )
        for path, values in zip(paths, zip(*rows, strict=True), strict=True):
            self.values[path] = [
                value if value is None or isinstance(value, str) else str(value) for value in values
            ]


Reader = Callable[[bytes | msgspec.Raw], tuple[Any, ...]]


@cache
def reader(paths: tuple[str, ...]) -> Reader:
    """Reads the values at paths out of a record's text."""
    choices = [path.split("|") for path in paths]
    names = {path for each in choices for path in each}

    def apart(text: bytes | msgspec.Raw) -> tuple[Any, ...]:
        """One by one, where one value should hold another and is none of the kind."""
        if len(paths) > 1:
            return tuple(reader((path,))(text)[0] for path in paths)
        found = (reader((name,))(text)[0] for name in choices[0]) if len(names) > 1 else ()
        return (next((value for value in found if value is not None), None),)

    if any(name.startswith(f"{other}.") for name in names for other in names):
        return apart
    decode = msgspec.json.Decoder(shape(sorted(names))).decode
    get = getter_of(choices)

    def read(text: bytes | msgspec.Raw) -> tuple[Any, ...]:
        try:
            return get(decode(text))
        except (msgspec.DecodeError, RecursionError):
            return apart(text)

    return read


def lenient(text: bytes | msgspec.Raw, paths: tuple[str, ...]) -> tuple[Any, ...]:
    """The values at paths of a record that a strict decoder refuses, as far as they can be had."""
    whole = value_of(bytes(text))

    def at(path: str) -> Any:
        value = whole
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return (
            value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        )

    return tuple(
        next((value for each in path.split("|") if (value := at(each)) is not None), None)
        for path in paths
    )


def shape(paths: Sequence[str]) -> Any:
    """A type that decodes the values at dotted paths, and skips all else."""
    below: dict[str, list[str]] = {}
    for path in paths:
        name, _, rest = path.partition(".")
        below.setdefault(name, []).append(rest)
    fields = [
        (attribute(name), Any if "" in rests else shape(rests) | None, None)
        for name, rests in below.items()
    ]
    return msgspec.defstruct("Shape", fields, rename={attribute(name): name for name in below})


def attribute(name: str) -> str:
    """The name of a JSON field, as that of a Python attribute."""
    return f"at_{name.encode().hex()}"


def getter_of(choices: Sequence[Sequence[str]]) -> Callable[[Any], tuple[Any, ...]]:
    """Gets one value for each choice of paths."""
    if len(choices) > 1 and not any(len(each) > 1 or "." in each[0] for each in choices):
        return attrgetter(*[attribute(name) for (name,) in choices])
    getters = [first_of([*map(getter, each)]) for each in choices]
    return lambda record: tuple([get(record) for get in getters])


def getter(path: str) -> Callable[[Any], Any]:
    names = [attribute(name) for name in path.split(".")]
    if len(names) == 1:
        return attrgetter(names[0])

    def get(value: Any) -> Any:
        for name in names:
            if value is None:
                return None
            value = getattr(value, name)
        return value

    return get


def first_of(getters: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    if len(getters) == 1:
        return getters[0]

    def get(record: Any) -> Any:
        return next((value for each in getters if (value := each(record)) is not None), None)

    return get
