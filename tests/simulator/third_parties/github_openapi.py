"""Validates answers against GitHub's own OpenAPI description of its REST API."""

import gzip
import re
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

ROOT = "urn:github"
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_date_time(value: object) -> bool:
    """RFC 3339 with an offset, as GitHub writes instants."""
    if not isinstance(value, str):
        return True
    is_full = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value)
    return bool(is_full and datetime.fromisoformat(value))


@FORMATS.checks("uri")
def is_uri(value: object) -> bool:
    """An address with a scheme and without white space; GitHub itself writes '' for no homepage."""
    if not value or not isinstance(value, str):
        return True
    return bool(urlsplit(value).scheme) and not re.search(r"\s", value)


@FORMATS.checks("email")
def is_email(value: object) -> bool:
    """Something with one @ in it."""
    return not isinstance(value, str) or value.count("@") == 1


class GithubApi:
    """GitHub's description, ready to validate one answer after the other."""

    def __init__(self, folder: Path) -> None:
        (source,) = folder.glob("*.json.gz")
        self.description = orjson.loads(gzip.decompress(source.read_bytes()))
        allow_null(self.description)
        resource = DRAFT202012.create_resource(self.description)
        self.registry = Registry().with_resource(ROOT, resource)
        self.validators = {}

    def validator(self, template: str, status: int) -> Draft202012Validator:
        """The validator of an answer; KeyError where the description knows none with a body."""
        if (template, status) not in self.validators:
            pointer = ["paths", template, "get", "responses", str(status)]
            response = self.at(pointer)
            if "$ref" in response:
                pointer = response["$ref"].removeprefix("#/").split("/")
            pointer += ["content", "application/json", "schema"]
            self.at(pointer)
            escaped = "/".join(part.replace("~", "~0").replace("/", "~1") for part in pointer)
            self.validators[template, status] = Draft202012Validator(
                {"$ref": f"{ROOT}#/{escaped}"}, registry=self.registry, format_checker=FORMATS
            )
        return self.validators[template, status]

    def at(self, pointer: list[str]) -> dict:
        found = self.description
        for part in pointer:
            found = found[part]
        return found

    def complaints(self, template: str, status: int, body: bytes) -> list[str]:
        """What is wrong with an answer, at most five; empty if it fits the description."""
        errors = self.validator(template, status).iter_errors(orjson.loads(body))
        return [
            f"{template} {status} {error.json_path}: {error.message[:200]}"
            for _, error in zip(range(5), errors, strict=False)
        ]


def allow_null(schema: object) -> None:
    """Turn OpenAPI 3.0's `nullable` into JSON Schema's null type, in place."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
            if value.get("nullable") is True:
                inner = {key: part for key, part in value.items() if key != "nullable"}
                value.clear()
                value["anyOf"] = [inner, {"type": "null"}]
                if isinstance(inner.get("enum"), list):
                    inner["enum"] = [choice for choice in inner["enum"] if choice is not None]
