"""Roles, warehouses, grants, policy and monitor as code, held against what they promise; the ways in; clones."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import sqlglot
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlglot import exp

from tests.production.conftest import ROOT, Emulator
from warehouse.snowflake import objects
from warehouse.snowflake.account import Account

pytestmark = pytest.mark.filterwarnings("ignore")
FILES = sorted((ROOT / "deploy" / "snowflake").glob("*.sql"))
GRANT = re.compile(r"grant (?P<what>.+?) (?:on (?P<on>.+?) )?to (?P<kind>role|user) (?P<whom>\w+)$")
READS = {"usage", "select", "read"}
MODELS = ROOT / "dbt_project" / "models" / "marts" / "opensource" / "_opensource__models.yml"
PERSON = re.compile(r"(login|email|author|committer|contributor)(_|$)")
NO_PERSON = re.compile(r"_(type|association|count)$")


@cache
def statements(text: str) -> tuple[str, ...]:
    """Statements in one line each, without comments; every one of them is SQL that sqlglot can read."""
    parsed = sqlglot.parse(text, dialect="snowflake")
    assert all(each is not None for each in parsed)
    bare = re.sub(r"--[^\n]*", "", text)
    return tuple(" ".join(part.split()) for part in bare.split(";") if part.strip())


def rendered(**names: str) -> tuple[str, ...]:
    return statements(objects.rendered(Account(**names)))


def grants(whom: str) -> list[re.Match]:
    found = [GRANT.fullmatch(each) for each in rendered() if each.startswith("grant")]
    assert all(found), "a grant that this test cannot read"
    return [each for each in found if each["whom"] == whom]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_every_statement_is_read_and_can_be_run_again(file):
    for each in statements(file.read_text()):
        assert re.match(r"(use role|grant|alter warehouse|create)", each), each
        if each.startswith("create"):
            assert " if not exists " in each or each.startswith("create or replace stage"), each


def test_a_role_is_created_before_anything_is_granted_to_it():
    created = {"sysadmin", "trendhouse"}
    for each in rendered():
        if found := re.match(r"create role if not exists (\w+)", each):
            created.add(found[1])
        elif found := GRANT.fullmatch(each):
            assert found["whom"] in created, each
            named = re.fullmatch(r"role (\w+)", found["what"])
            assert named is None or named[1] in created, each


def test_nobody_is_an_administrator_and_each_role_is_held_by_one():
    held = {each["what"].removeprefix("role ") for each in grants("sysadmin")}
    roles = {
        m[1] for each in rendered() if (m := re.match(r"create role if not exists (\w+)", each))
    }
    assert roles - held == {"trendhouse_reader"}, "which the personal reader holds"
    assert not any("admin" in each["what"] for each in map(GRANT.fullmatch, rendered()) if each)


def test_readers_can_write_nowhere_and_see_no_schema_but_by_publication():
    for role in ("trendhouse_reader", "trendhouse_personal_reader", "trendhouse_accountant"):
        for each in grants(role):
            what = each["what"]
            assert what in READS or what.startswith(("role trendhouse_reader", "database role")), (
                each[0]
            )
            assert each["on"] is None or each["on"].startswith(("database", "warehouse")), each[0]


def test_the_loader_reads_no_mart_and_the_transformer_changes_no_clean_table():
    assert not any(each["what"] == "select" for each in grants("trendhouse_loader"))
    writes = [each for each in grants("trendhouse_transformer") if each["what"] not in READS]
    assert {(each["what"], each["on"]) for each in writes} == {
        ("create schema", "database trendhouse"),
        ("apply", "masking policy trendhouse.governance.mask_personal"),
    }
    for each in map(GRANT.fullmatch, rendered()):
        assert not each or "all privileges" not in each["what"]
        assert not each or "ownership" not in each["what"]


def test_every_warehouse_sleeps_begins_asleep_and_has_a_limit():
    texts = [each for each in rendered() if each.startswith("create warehouse")]
    assert len(texts) == 4
    monitored = {
        m[1]
        for each in rendered()
        if (m := re.match(r"alter warehouse (\w+) set resource_mon", each))
    }
    for each in texts:
        create = sqlglot.parse_one(each, dialect="snowflake")
        given = {
            prop.name.lower(): prop.args["value"].name
            for prop in create.args["properties"].expressions
            if type(prop) is exp.Property
        }
        assert 0 < int(given["auto_suspend"]) <= 300
        assert "initially_suspended = true" in each and "auto_resume = true" in each
        assert given["warehouse_size"] in ("xsmall", "small")
        assert int(given["statement_timeout_in_seconds"]) <= 7200
        assert create.this.name in monitored


def test_the_monitor_tells_before_it_suspends():
    monitor = next(each for each in rendered() if each.startswith("create resource monitor"))
    assert re.search(r"credit_quota = [1-9]\d*", monitor)
    triggers = re.findall(r"on (\d+) percent do (\w+)", monitor)
    assert [int(percent) for percent, _ in triggers] == sorted(int(p) for p, _ in triggers)
    assert triggers[0][1] == "notify" and triggers[-1][1] == "suspend_immediate"


def test_the_policy_shows_persons_only_to_those_who_may_see_them():
    policy = next(each for each in rendered() if each.startswith("create masking policy"))
    body = sqlglot.parse_one(policy.partition("->")[2], dialect="snowflake")
    plain = [
        branch.this.sql() for branch in body.args["ifs"] if branch.args["true"].sql() == "value"
    ]
    roles = {role for sql in plain for role in re.findall(r"'(\w+)'", sql)}
    assert roles == {"TRENDHOUSE_TRANSFORMER", "TRENDHOUSE_PERSONAL_READER"}
    assert body.args["default"].find(exp.SHA2, exp.SHA2Digest) is not None


def test_every_personal_column_of_a_mart_is_masked():
    declared = yaml.safe_load(MODELS.read_text())["models"]
    open_ones = [
        f"{model['name']}.{column['name']}"
        for model in declared
        for column in model["columns"]
        if column["data_type"] == "varchar"
        and PERSON.search(column["name"])
        and not NO_PERSON.search(column["name"])
        and not (column.get("config") or {}).get("meta", {}).get("personal")
    ]
    assert open_ones == []


def test_other_names_are_rendered_everywhere():
    text = objects.rendered(
        Account(database="acme", role="builder", reader_role="guests", warehouse="wh_build")
    )
    assert "create database if not exists acme " in text and "trendhouse.lake" not in text
    assert "grant usage on warehouse wh_build to role builder;" in text
    assert "is_role_in_session('BUILDER')" in text and "role trendhouse_reader" not in text


def test_the_profile_reads_the_variables_that_the_loader_reads():
    text = (ROOT / "profiles.yml").read_text()
    read = dict(re.findall(r"env_var\('SNOWFLAKE_(\w+)', '([^']*)'\)", text))
    fields = Account.model_fields
    assert {name.lower() for name in read} <= set(fields)
    for name, default in read.items():
        assert default == str(fields[name.lower()].default or ""), name


@pytest.fixture
def key(tmp_path) -> Path:
    path = tmp_path / "key.p8"
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"only here"),
        )
    )
    return path


def test_a_key_pair_is_handed_over_decrypted(key):
    given = Account(
        account="a", user="u", private_key_path=key, private_key_passphrase="only here"
    ).credentials()
    loaded = serialization.load_der_private_key(given["private_key"], None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    assert "password" not in given and "token" not in given


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"authenticator": "oauth", "token": "t"}, {"authenticator": "oauth", "token": "t"}),
        (
            {"authenticator": "programmatic_access_token", "token": "t"},
            {"authenticator": "programmatic_access_token", "token": "t"},
        ),
        (
            {"authenticator": "externalbrowser", "user": "u"},
            {"authenticator": "externalbrowser", "user": "u"},
        ),
        (
            {"authenticator": "workload_identity", "workload_identity_provider": "AWS"},
            {"authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": "AWS"},
        ),
    ],
    ids=lambda value: value.get("authenticator", "") if isinstance(value, dict) else "",
)
def test_each_way_in_needs_no_password(settings, expected):
    given = Account(account="a", **settings).credentials()
    assert {name: given[name] for name in expected} == expected
    assert "password" not in given and given["private_key"] is None


def dbt(
    emulator: Emulator, folder: Path, *command: str, database: str, project: Path | None = None
) -> subprocess.CompletedProcess:
    variables = {
        **emulator.environment(database),
        "DBT_PROJECT_DIR": str(project or ROOT / "dbt_project"),
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder),
        "TRENDHOUSE_ROOT": str(ROOT),
    }
    return subprocess.run(
        [Path(sys.executable).with_name("dbt"), *command],
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def operation(
    macro: str, name: str, emulator: Emulator, folder: Path
) -> subprocess.CompletedProcess:
    command = ("run-operation", macro, "--args", f"{{name: {name}}}")
    return dbt(emulator, folder, *command, database="clones")


def test_a_clone_is_made_and_dropped_under_a_clones_name_only(emulator, tmp_path):
    refused = operation("drop_clone", "clones", emulator, tmp_path)
    assert refused.returncode != 0 and "is no clone's name" in refused.stdout
    operation("clone_database", "clones_pr_42", emulator, tmp_path)
    log = (tmp_path / "dbt.log").read_text()
    sent = re.findall(r": ((?:create or replace|drop) .*database .*)$", log, re.MULTILINE)
    assert [each.split("/*")[0].strip() for each in sent] == [
        "create or replace transient database clones_pr_42 clone clones"
    ]


def test_slim_ci_builds_what_changed_and_what_hangs_on_it_from_productions_tables(
    emulator, tmp_path
):
    production, pull_request, project = (tmp_path / name for name in ("a", "b", "dbt_project"))
    parsed = dbt(emulator, production, "parse", database="slim")
    assert parsed.returncode == 0, parsed.stdout
    ignored = shutil.ignore_patterns("target", "logs", "profiles.yml")
    shutil.copytree(ROOT / "dbt_project", project, ignore=ignored)
    changed = project / "models" / "intermediate" / "opensource" / "int_releases_versioned.sql"
    changed.write_text(changed.read_text() + "-- changed\nwhere 1 = 1\n")
    slim = ("--select", "state:modified+", "--defer", "--state", str(production / "target"))
    options = {"database": "slim_pr_1", "project": project}
    compiled = dbt(emulator, pull_request, "compile", *slim, **options)
    assert compiled.returncode == 0, compiled.stdout
    written = {path.stem: path.read_text() for path in pull_request.rglob("compiled/**/*.sql")}
    assert {"int_releases_versioned", "releases", "products"} <= set(written)
    assert "issues" not in written and "stg_github__releases" not in written
    # What the pull request's database does not hold is read from production's.
    assert "slim.intermediate.int_releases_unified" in written["int_releases_versioned"]
