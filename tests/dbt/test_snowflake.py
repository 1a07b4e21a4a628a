"""The same models compile for Snowflake, without a connection, to SQL that its dialect parses."""

import pytest
import sqlglot

from tests.dbt.conftest import ROOT, dbt_environment

# The connector warns of the versions of its vendored libraries when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore")
SNOWFLAKE = ("ACCOUNT", "USER", "ROLE", "WAREHOUSE", "DATABASE")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Every compiled file of the project by its name."""
    from dbt.cli.main import dbtRunner

    folder = tmp_path_factory.mktemp("snowflake")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in dbt_environment(folder).items():
            patch.setenv(name, value)
        for name in SNOWFLAKE:
            patch.setenv(f"SNOWFLAKE_{name}", "none")
        patch.setattr(
            "dbt.adapters.snowflake.impl.SnowflakeAdapter.list_relations_without_caching",
            lambda adapter, schema: [],
        )
        patch.setattr(
            "dbt.adapters.snowflake.connections.SnowflakeConnectionManager.open",
            lambda *_: pytest.fail("dbt opened a connection"),
        )
        flags = ("--target", "snowflake", "--no-populate-cache", "--no-introspect")
        result = dbtRunner().invoke(["--log-level-file", "none", "--quiet", "compile", *flags])
        assert result.success, result.exception or [r.message for r in result.result]
    return {path.stem: path.read_text() for path in (folder / "target" / "compiled").rglob("*.sql")}


def test_every_model_compiles(compiled):
    models = {path.stem for path in (ROOT / "dbt_project" / "models").rglob("*.sql")}
    assert len(models) > 50
    assert models <= set(compiled)


def test_every_compiled_query_is_snowflake_sql(compiled):
    for name, sql in compiled.items():
        try:
            statements = sqlglot.parse(sql, dialect="snowflake")
        except sqlglot.ParseError as error:
            pytest.fail(f"{name}: {error}")
        assert len(statements) == 1, name


def test_differences_are_dispatched(compiled):
    assert "convert_timezone('UTC', 'Asia/Seoul'" in compiled["commits_daily"]
    assert "regexp_substr" in compiled["int_releases_unified"]
    assert "timezone('Asia/Seoul'" not in " ".join(compiled.values()).replace(
        "convert_timezone", ""
    )
