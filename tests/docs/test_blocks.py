"""Every block of code in the documents is run or checked, and none is left out without a reason."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable

import pytest
import sqlglot
import yaml

from tests.docs.blocks import CODE, NO_CODE, PAGES, SHELL, Block, blocks, every, spans
from tests.docs.typed import commands, complaints, typed_to
from trendhouse.settings import ROOT

VALUE_MISSING = re.compile(r"requires an argument|Missing (argument|parameter)")
AIRFLOW = """
import json, sys
from airflow.cli.cli_parser import get_parser
for arguments in json.load(sys.stdin):
    try:
        get_parser().parse_args(arguments)
    except SystemExit as error:
        print("airflow", *arguments) if error.code else None
"""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_has_a_language_that_is_checked(page):
    unknown = [str(block) for block in blocks(page) if block.language not in (*CODE, *NO_CODE)]
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_block_that_is_not_run_says_why(page):
    found = [block for block in blocks(page) if block.reason is not None]
    assert [str(block) for block in found if len(block.reason.split()) < 4] == []
    assert page.read_text().count("<!-- not run:") == len(found), "a marker stands before no block"
    tests = [name for block in found for name in re.findall(r"tests/[\w/]+\.py", block.reason)]
    assert [name for name in tests if not (ROOT / name).exists()] == []


def test_every_fenced_command_that_is_not_marked_is_run():
    """By test_examples.py, which runs the tutorial; of indented ones the form alone is checked."""
    found = {block.page.name for block in every("bash") if block.reason is None}
    assert found == {"tutorial.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_could_be_typed_like_this(page):
    typed = [block for block in blocks(page) if block.language in SHELL]
    assert wrong_in(typed) == []
    # In a sentence an option or a verb may be named without its value.
    named = [each for each in wrong_in(spans(page)) if not VALUE_MISSING.search(each)]
    assert named == []


def wrong_in(found: Iterable[Block]) -> list[str]:
    return [
        f"{block}: {complaint}"
        for block in found
        for command in commands(block.text)
        for complaint in complaints(command)
    ]


def test_a_wrong_command_is_noticed():
    wrong = (
        "trendhouse runn",
        "trendhouse run --advance much",
        "make runs",
        'make run ARGS="--forward 1"',
        "python -m orchestration.variable",
        "export TRENDHOUSE_HOMES=x",
        "dbt show --limits 5",
        "sed s/a/b/ deploy/storage/none.json",
        ". bin/none",
        "brew install",
    )
    for line in wrong:
        assert [each for typed in commands(line) for each in complaints(typed)], line


def test_airflow_takes_the_commands_that_the_documents_name(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    asked = [list(arguments) for arguments in typed_to("airflow", PAGES) if "…" not in arguments]
    assert asked
    said = subprocess.run(
        [sys.executable, "-c", AIRFLOW],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line for line in said.stdout.splitlines() if line.startswith("airflow ")] == []


def test_every_python_block_compiles_and_imports_what_is_there():
    found = every("python")
    assert found
    for block in found:
        for node in ast.walk(ast.parse(block.text, str(block))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    importlib.import_module(alias.name)
            elif isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module)
                assert [each.name for each in node.names if not hasattr(module, each.name)] == [], (
                    block
                )


def test_every_yaml_block_can_be_read():
    found = every("yaml")
    assert found
    assert [
        str(block) for block in found if not isinstance(yaml.safe_load(block.text), dict | list)
    ] == []


def test_every_sql_block_can_be_parsed():
    for block in every("sql"):
        plain = block.text.replace("{{ ref('", "").replace("') }}", "")
        assert sqlglot.parse_one(plain, dialect="duckdb"), block
