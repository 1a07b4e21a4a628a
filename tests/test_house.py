"""The house's rules: each is one test, whose failure names the place and the rule."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cli import variables
from trendhouse.declared.sources import landed_specs, load_specs
from trendhouse.settings import ROOT

LONGEST_FILE = 350  # of declarations (YAML, GraphQL) one line stands per column: they may be longer
LONGEST_FUNCTION = 50
# Loaded by Airflow only; the command line and the steps never import them.
OF_AIRFLOW = {
    *(ROOT / "orchestration" / "dags").glob("*.py"),
    ROOT / "orchestration" / "alerts" / "channel.py",
    ROOT / "trendhouse" / "notify" / "connections.py",
    ROOT / "orchestration" / "dbt_nodes.py",
}
HOMELESS = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
LOADED_BY_DLT = ROOT / "cli" / "dlt_plugin.py"
LIGHT = ("trendhouse", "warehouse", "orchestration", "cli")
HEAVY = ("airflow", "pyspark", "great_expectations", "dlt", "dbt", "pandas")
GENERATED = re.compile(
    r"\.(parquet|duckdb|wal|egg-info)$|(^|/)(target|logs|__pycache__|\.trendhouse)/|\.user\.yml$"
)
TESTERS = {"raises", "fail", "warns"}
SOURCES = [spec.name for spec in landed_specs()]


def tracked(*suffixes: str) -> list[Path]:
    """Files that git tracks or would track, by suffix; all of them without one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return sorted(
        {path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)}
    )


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.fixture(scope="module")
def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in tracked(".py")}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "home",
    [
        "ingestion/sources/{}.yml",
        "ingestion/connectors/{}.py",
        "dbt_project/models/staging/{}/_{}__sources.yml",
        "dbt_project/models/staging/{}/_{}__models.yml",
        "expectations/clean/{}.py",
        "tests/ingestion/test_{}.py",
    ],
)
def test_a_source_is_at_home_on_every_floor(source, home):
    path = ROOT / home.replace("{}", source)
    assert path.is_file(), f"{source} lacks {named(path)}"


def test_staging_is_foldered_by_source():
    folders = {
        path.name
        for path in (ROOT / "dbt_project" / "models" / "staging").iterdir()
        if path.is_dir()
    }
    assert folders <= {spec.name for spec in load_specs()}


def test_no_file_is_long():
    long = {
        named(path): count
        for path in tracked(".py", ".sql", ".md", ".sh")
        if (count := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_no_function_is_long(modules):
    long = {
        f"{named(path)}:{each.name}": each.end_lineno - each.lineno + 1
        for path, tree in modules.items()
        for each in functions(tree)
        if each.end_lineno - each.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == {}


def test_no_module_is_a_drawer():
    assert [named(path) for path in tracked(".py") if path.name in HOMELESS] == []


def test_every_module_says_in_a_sentence_what_it_is_for(modules):
    silent = [
        named(path)
        for path, tree in modules.items()
        if tree.body
        and not (ast.get_docstring(tree) or "").split("\n\n")[0].rstrip().endswith((".", "`"))
    ]
    assert silent == []


def top_imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_what_every_command_loads_imports_nothing_heavy_at_the_top(modules):
    heavy = {
        named(path): imported
        for path, tree in modules.items()
        if path.relative_to(ROOT).parts[0] in LIGHT
        and path != LOADED_BY_DLT
        and (
            imported := top_imports(tree)
            & set(HEAVY) - ({"airflow"} if path in OF_AIRFLOW else set())
        )
    }
    assert heavy == {}


def test_the_command_line_starts_without_anything_heavy():
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import cli.main, orchestration.steps, sys; print(*sys.modules)",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert set(HEAVY) & {name.split(".")[0] for name in said.split()} == set()


def test_every_variable_that_is_read_is_documented_and_every_documented_one_is_read():
    read = set()
    for path in tracked(".py", ".sql", ".yml", ".sh", ""):
        beside = (ROOT / "tests", ROOT / "deploy" / "snowflake")  # where roles have such names
        if any(map(path.is_relative_to, beside)) or path.name in (
            "variables.py",
            "cli.py",
            "Makefile.md",
        ):
            continue
        read |= set(re.findall(r"\bTRENDHOUSE_[A-Z_]+[A-Z]\b", path.read_text(errors="replace")))
    documented = {
        each.name
        for each in [*variables.of_settings(), *variables.of_sources(), *variables.beside()]
    }
    assert read - documented == set(), "read, but not documented"
    known = (
        read
        | {each.name for each in variables.of_settings()}
        | {"PYTHON", "DBT_TARGET", "TRENDHOUSE_SHARED_DATA"}
    )
    assert documented - known == set(), "documented, but read nowhere"


def test_the_table_of_settings_is_what_the_code_reads():
    assert variables.DOCUMENT.read_text() == variables.document(), "run `python -m cli.variables`"


@pytest.mark.parametrize(
    "lock",
    sorted(path for path in (ROOT / "requirements").iterdir() if path.suffix != ".in"),
    ids=lambda path: path.name,
)
def test_a_lock_is_hashed_and_names_no_address(lock):
    text = lock.read_text()
    assert "://" not in text
    pins = re.findall(r"^[A-Za-z0-9._-]+(?:\[[^]]*\])?==\S+(?: ;.*?)? (\\?)$", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[^\s#]", text, re.MULTILINE)) > 0
    assert all(pins), "a package has no hash"


def test_what_is_run_is_what_is_tested():
    pin = re.compile(r"^([A-Za-z0-9._-]+==\S+)", re.MULTILINE)
    run, test = (
        {*pin.findall((ROOT / "requirements" / f"{name}.lock").read_text())}
        for name in ("run", "test")
    )
    assert run - test == set()


def test_the_readme_fits_a_screen_or_two():
    assert len((ROOT / "README.md").read_text().splitlines()) < 100


def test_every_command_that_the_documents_name_exists():
    from cli.main import app

    verbs = {command.name or command.callback.__name__ for command in app.registered_commands}
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = set()
    for path in tracked(".md"):
        text = path.read_text()
        unknown |= {
            f"{named(path)}: trendhouse {verb}"
            for verb in re.findall(r"(?:`|^    )trendhouse ([a-z]+)", text, re.MULTILINE)
            if verb not in verbs
        }
        unknown |= {
            f"{named(path)}: make {target}"
            for target in re.findall(r"(?:`|^    )make ([a-z]+)", text, re.MULTILINE)
            if target not in targets
        }
    assert unknown == set()


def test_every_mart_that_the_readme_names_exists():
    models = {path.stem for path in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")}
    held = (ROOT / "README.md").read_text().split("## What it holds")[1].split("`make")[0]
    named = set(re.findall(r"`(\w+)`", held))
    assert named, "the README names no mart"
    assert named - models == set()


def test_the_documents_link_to_what_exists():
    broken = [
        f"{named(path)} -> {target}"
        for path in tracked(".md")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_the_exit_codes_are_documented():
    from trendhouse.errors import Exit

    text = (ROOT / "docs" / "operations.md").read_text()
    documented = {int(code) for code in re.findall(r"^\| (\d) \|", text, re.MULTILINE)}
    assert documented == {int(code) for code in Exit}


def test_nothing_generated_is_in_git():
    assert [named(path) for path in tracked() if GENERATED.search(named(path))] == []


def test_no_model_carries_its_own_configuration():
    models = [
        path for path in tracked(".sql") if path.is_relative_to(ROOT / "dbt_project" / "models")
    ]
    assert models, "no models found"
    assert [named(path) for path in models if re.search(r"\{\{\s*config\(", path.read_text())] == []


def is_tested(test: ast.AST, checkers: set[str]) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            if called in TESTERS or called in checkers or called.startswith(("assert_", "check_")):
                return True
    return False


def every_test(modules: dict[Path, ast.Module]) -> Iterator[tuple[Path, ast.Module, ast.AST]]:
    for path, tree in modules.items():
        if path.is_relative_to(ROOT / "tests") and path.name.startswith("test_"):
            yield from (
                (path, tree, each) for each in functions(tree) if each.name.startswith("test_")
            )


def test_every_test_can_fail(modules):
    idle = []
    for path, tree, test in every_test(modules):
        checkers = {
            each.name
            for each in functions(tree)
            if any(isinstance(n, ast.Assert) for n in ast.walk(each))
        }
        if not is_tested(test, checkers - {test.name}):
            idle.append(f"{named(path)}:{test.name}")
    assert idle == []


def test_every_test_is_a_sentence(modules):
    curt = [
        f"{named(path)}:{test.name}"
        for path, _, test in every_test(modules)
        if test.name.count("_") < 3
    ]
    assert curt == []


def test_nothing_is_skipped_without_a_reason(modules):
    silent = []
    for path, tree in modules.items():
        for node in ast.walk(tree):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in ("pytest.skip", "pytest.mark.skip", "pytest.mark.xfail") and not (
                node.args or node.keywords
            ):
                silent.append(f"{named(path)}:{node.lineno}")
            if name == "pytest.mark.skipif" and "reason" not in {key.arg for key in node.keywords}:
                silent.append(f"{named(path)}:{node.lineno}")
    assert silent == []


def test_every_source_names_its_owner_and_its_floors():
    for spec in landed_specs():
        declared = yaml.safe_load((ROOT / "ingestion" / "sources" / f"{spec.name}.yml").read_text())
        assert declared["owner"], spec.name
        assert any("floor" in table for table in declared["tables"].values()), (
            f"{spec.name} has no floor"
        )
