"""The page of the API, from the OpenAPI document of the application itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from handbook.markdown import cell, code, page, table

METHODS = ("get", "post", "put", "patch", "delete")
Document = dict[str, Any]


def write() -> str:
    from orchestration.settings import load_settings
    from serving.app import create_app

    document = create_app(load_settings()).openapi()
    return page(
        "API",
        "What `make serve` answers, as its own OpenAPI document says; by machine at `/openapi.json`.",
        *described(document),
    )


def described(document: Document) -> Iterator[str]:
    """Every operation under the first of its tags, then the schemas that they name."""
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method in filter(methods.__contains__, METHODS):
            asked = methods[method]
            tag = (asked.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append(operation(path, method, asked))
    for tag, operations in by_tag.items():
        yield "\n\n".join([f"## {tag.capitalize()}", *operations])
    schemas = document.get("components", {}).get("schemas", {})
    if schemas:
        yield "\n\n".join(["## Schemas", *(schema(name, each) for name, each in schemas.items())])


def operation(path: str, method: str, asked: Document) -> str:
    """One operation: what it does, what may be given, what it answers."""
    said = asked.get("description") or asked.get("summary", "")
    given = [
        (code(each["name"]), each["in"], kind(each["schema"]), each.get("description", ""))
        for each in asked.get("parameters", [])
    ]
    if sent := asked.get("requestBody"):
        given.append(("", "body", ", ".join(contents(sent)), sent.get("description", "")))
    return "\n\n".join(
        [
            f"### {method.upper()} {path}",
            *(cell(part) for part in said.split("\n\n")),
            *([table(("parameter", "in", "type", "meaning"), given)] if given else []),
            table(("answer", "form", "meaning"), answers(asked["responses"])),
        ]
    )


def answers(declared: Document) -> Iterator[tuple[str, ...]]:
    """A row for each form of answer; those of one form, as all errors are, stand together."""
    by_form: dict[str, list[tuple[str, str]]] = {}
    for status, answer in declared.items():
        said = (status, answer.get("description", ""))
        by_form.setdefault(", ".join(contents(answer)), []).append(said)
    for form, found in by_form.items():
        statuses, meanings = zip(*found, strict=True)
        yield ", ".join(statuses), form, ", ".join(meanings)


def contents(answer: Document) -> Iterator[str]:
    """Each media type of an answer, with its schema."""
    for media, content in answer.get("content", {}).items():
        form = kind(content.get("schema", {}))
        yield f"{code(media)}: {form}" if form else code(media)


def schema(name: str, declared: Document) -> str:
    """One schema: its properties; of one without, its type."""
    required = set(declared.get("required", ()))
    rows = [
        (code(key), kind(each), "always" if key in required else "", each.get("description", ""))
        for key, each in declared.get("properties", {}).items()
    ]
    said = cell(declared.get("description", ""))
    told = table(("property", "type", "there", "meaning"), rows) if rows else kind(declared)
    return "\n\n".join(filter(None, [f"### {name} {{: #{anchor(name)} }}", said, told]))


def anchor(name: str) -> str:
    return f"schema-{name.lower()}"


def kind(declared: Document) -> str:
    """A type in a few words; what is named elsewhere by its link."""
    if "$ref" in declared:
        name = declared["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{anchor(name)})"
    if among := declared.get("anyOf") or declared.get("oneOf") or declared.get("allOf"):
        return " or ".join(dict.fromkeys(kind(each) for each in among))
    if "enum" in declared:
        return " or ".join(map(code, declared["enum"]))
    if declared.get("type") == "array":
        return f"list of {kind(declared.get('items', {}))}"
    return str(declared.get("format") or declared.get("type") or "")
