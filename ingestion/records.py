"""Records of a JSON answer as received: each one's own bytes, and the few values wanted of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa

from ingestion.arrays import joined

SPLIT = msgspec.json.Decoder(list[msgspec.Raw])


class Malformed(ValueError):
    """A text that is no JSON; the message says where it ceases to be."""


class Records:
    """Records in upstream's own bytes; what is not asked for is never decoded.

    That is what landing costs: to skip a value takes a tenth of the time of building it. The `texts` of an
    array are views of its body.
    """

    def __init__(self, texts: Sequence[bytes | msgspec.Raw]) -> None:
        self.texts = texts
        self.values: dict[str, Sequence[str | None]] = {}

    @classmethod
    def of_array(cls, body: bytes) -> Records:
        """The items of a JSON array. Raises Malformed for anything else."""
        try:
            joined([body]).validate(full=True)  # is it UTF-8? `body.decode` takes six times as long
            return cls(SPLIT.decode(body))
        except (msgspec.DecodeError, pa.ArrowInvalid) as error:
            raise Malformed(str(error)) from error

    @classmethod
    def of_values(cls, values: Iterable[Any]) -> Records:
        """Records that upstream did not send as such: cut out of an answer, or said by us."""
        return cls([msgspec.json.encode(value) for value in values])

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
        rows = map(reader(paths), self.texts)
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
        except msgspec.ValidationError:
            return apart(text)

    return read


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
