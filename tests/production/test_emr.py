"""The deduplication on EMR, by the real DAG: the job really runs, and no cluster outlives it, whatever it comes to."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from orchestration.emr import Emr, cluster, load_emr, step
from simulator.running import serve
from tests.orchestration.dags.airflow_runs import Airflow
from tests.orchestration.dags.test_policy import DAGS, HEAVY, MOST_SECONDS, violations
from tests.orchestration.standing_airflow import standing
from tests.production.emr_service import CODE, LAKE, REGION, EmrService
from trendhouse.leases import leased
from trendhouse.settings import Settings, SettingsError
from trendhouse.worlds import SAMPLE_NOW, sample_variables

SOURCE = "github_ranking"
INGEST = ("sources.py", f"ingest_{SOURCE}")
ROLE = "arn:aws:iam::123456789012:role/trendhouse-job"
GIVEN_UP = {
    "TRENDHOUSE_EMR_MINUTES": "0.05",
    "TRENDHOUSE_LOCK_WAIT_SECONDS": "900",
}
REFUSED = {"TRENDHOUSE_LOCK_WAIT_SECONDS": "0"}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory) -> Airflow:
    return Airflow(tmp_path_factory.mktemp("airflow"))


@pytest.fixture
def emr(tmp_path):
    service = EmrService(tmp_path / "emr")
    yield service
    service.stop()


@pytest.fixture(scope="module")
def upstream():
    with serve(now=SAMPLE_NOW.isoformat()) as simulator:
        yield simulator.base_url


@pytest.fixture
def world(upstream, emr, tmp_path):
    """A small sample world whose lake is in S3; EMR's machines have a disk of their own."""
    home = tmp_path / "home"
    return {
        **sample_variables(upstream, Settings(home=home)),
        **emr.credentials,
        "TRENDHOUSE_HOME": str(home),
        "TRENDHOUSE_LAKE_URL": LAKE,
        "TRENDHOUSE_WORLD": "sample",
        "TRENDHOUSE_NOW": SAMPLE_NOW.isoformat(),
        "TRENDHOUSE_RANKING_DAYS": "1",
        "TRENDHOUSE_SPARK_MEMORY": "1g",
        "TRENDHOUSE_EMR_REGION": REGION,
        "TRENDHOUSE_EMR_CODE": CODE,
        "TRENDHOUSE_EMR_HOME": str(emr.folder / "disk"),
        "TRENDHOUSE_EMR_ENVIRONMENT": str(emr.folder / "environment"),
        "TRENDHOUSE_EMR_MEMORY": "1g",
        "TRENDHOUSE_EMR_POLL_SECONDS": "1",
        "TRENDHOUSE_EMR_LOGS": "s3://code/logs",
    }


@pytest.fixture
def ingest(airflow, world):
    """Run the DAG of a source with settings on top; how it ended."""

    def run(**variables: str):
        ended = airflow.test(*INGEST, **{**world, **variables})
        assert ended.tasks["land"] == "success", ended.said
        return ended

    return run


@pytest.fixture
def locked(emr, tmp_path, monkeypatch):
    """Another machine works on the clean lake, for as long as the test lasts."""
    for name, value in emr.credentials.items():
        monkeypatch.setenv(name, value)
    other = Settings(home=tmp_path / "other", world="sample", lake_url=LAKE)
    other.place.locks.mkdir(parents=True)
    with leased(other, "another run", ["clean"], wait=False):
        yield


@pytest.fixture
def application(emr):
    """A serverless application that stands still; the settings that name it."""
    client = emr.client("emr-serverless")
    made = client.create_application(  # moto knows of no release with Spark 4
        name="trendhouse", releaseLabel="emr-6.6.0", type="SPARK", clientToken="x"
    )
    client.stop_application(applicationId=made["applicationId"])
    return {
        "TRENDHOUSE_SPARK_ON": "emr_serverless",
        "TRENDHOUSE_EMR_APPLICATION": made["applicationId"],
        "TRENDHOUSE_EMR_JOB_ROLE": ROLE,
    }


def clusters(emr: EmrService) -> list[dict]:
    client = emr.client("emr")
    return [
        client.describe_cluster(ClusterId=each["Id"])["Cluster"]
        for each in client.list_clusters()["Clusters"]
    ]


def steps(emr: EmrService, cluster: dict) -> list[dict]:
    return emr.client("emr").list_steps(ClusterId=cluster["Id"])["Steps"]


def runs(emr: EmrService, application: dict[str, str]) -> list[dict]:
    name = application["TRENDHOUSE_EMR_APPLICATION"]
    return emr.client("emr-serverless").list_job_runs(applicationId=name)["jobRuns"]


def clean_manifest(emr: EmrService) -> dict:
    key = f"trendhouse/sample/clean/{SOURCE}/rankings/_manifest.json"
    return json.load(emr.client("s3").get_object(Bucket="lake", Key=key)["Body"])


def nothing_runs(emr: EmrService) -> bool:
    return all(process.poll() is not None for process in emr.processes.values())


@pytest.fixture(scope="module", params=["emr", "emr_serverless"])
def drawn(request, airflow):
    """Every DAG, as it is drawn where Spark runs on EMR."""
    result = airflow.home.root / f"{request.param}.json"
    command = (sys.executable, "-m", "tests.orchestration.dags.parse", str(result))
    given = {
        "TRENDHOUSE_SPARK_ON": request.param,
        "TRENDHOUSE_EMR_CODE": CODE,
        "TRENDHOUSE_EMR_HOME": "/mnt/efs",
        "TRENDHOUSE_EMR_APPLICATION": "00f1",
        "TRENDHOUSE_EMR_JOB_ROLE": ROLE,
    }
    done = airflow.run(*command, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    return request.param, json.loads(result.read_text())


def test_the_dags_keep_every_policy_on_emr(drawn):
    _, parsed = drawn
    assert parsed["errors"] == {}
    assert set(parsed["dags"]) == DAGS
    assert [rule for name, dag in parsed["dags"].items() for rule in violations(name, dag)] == []
    assert parsed["opened"] == []
    assert HEAVY & set(parsed["modules"]) == set()
    assert parsed["seconds"] < MOST_SECONDS


def test_the_clean_tables_are_checked_after_the_job_and_the_cluster_ends_beside(drawn):
    on, parsed = drawn
    job = "deduplicate.run" if on == "emr" else "deduplicate"
    for name in (f"ingest_{SOURCE}", "backfill_source"):
        tasks = parsed["dags"][name]["tasks"]
        assert tasks["check_clean"]["after"] == [job]
        if on == "emr":
            assert tasks["deduplicate.create_cluster"]["after"] == ["land"]
            assert tasks["deduplicate.terminate_cluster"]["after"] == [
                "deduplicate.create_cluster",
                job,
            ]


@pytest.mark.parametrize(
    ("on", "given", "lacking"),
    [
        ("emr", {}, {"CODE", "HOME"}),
        ("emr_serverless", {"home": "/mnt/efs"}, {"CODE", "APPLICATION", "JOB_ROLE"}),
    ],
)
def test_every_setting_that_is_missing_is_named(monkeypatch, on, given, lacking):
    for name in Emr.model_fields:
        monkeypatch.delenv(f"TRENDHOUSE_EMR_{name}".upper(), raising=False)
    for name, value in given.items():
        monkeypatch.setenv(f"TRENDHOUSE_EMR_{name}".upper(), value)
    with pytest.raises(SettingsError) as refusal:
        load_emr(on, Settings())
    lines = str(refusal.value).splitlines()
    assert {line.split(" is not set")[0] for line in lines} == {
        f"TRENDHOUSE_EMR_{name}" for name in lacking
    }


def test_several_nodes_work_on_yarn_and_one_in_local_mode(monkeypatch):
    monkeypatch.setenv("TRENDHOUSE_EMR_CODE", CODE)
    monkeypatch.setenv("TRENDHOUSE_EMR_HOME", "/mnt/efs")
    one = load_emr("emr", Settings())
    several = one.model_copy(update={"nodes": 5})
    assert "TRENDHOUSE_SPARK_MASTER=local[*]" in args_of(one)
    assert "TRENDHOUSE_SPARK_MASTER=yarn" in args_of(several)
    groups = cluster(several, SOURCE)["Instances"]["InstanceGroups"]
    assert [(each["InstanceRole"], each["InstanceCount"]) for each in groups] == [
        ("MASTER", 1),
        ("CORE", 4),
    ]


def args_of(emr: Emr) -> list[str]:
    return step(Settings(), emr, SOURCE)["HadoopJarStep"]["Args"]


def test_a_cluster_is_made_does_the_job_and_is_ended(ingest, emr):
    ended = ingest(TRENDHOUSE_SPARK_ON="emr")
    (made,) = clusters(emr)
    (ran,) = steps(emr, made)
    assert ended.state == "success", ended.said + emr.log(ran["Id"])
    assert set(ended.tasks.values()) == {"success"}
    assert (made["Status"]["State"], ran["Status"]["State"]) == ("TERMINATED", "COMPLETED")
    assert "kept" in emr.log(ran["Id"])
    assert clean_manifest(emr)["files"]
    assert made["Tags"] == [{"Key": "project", "Value": "trendhouse"}]
    assert (made["ReleaseLabel"], made["LogUri"]) == ("emr-spark-8.0.0", "s3://code/logs")
    told = " ".join(ran["Config"]["Args"])
    assert not any(value in told for value in emr.credentials.values())


def test_a_step_that_fails_fails_the_dag_and_its_cluster_is_ended(ingest, emr, locked):
    ended = ingest(TRENDHOUSE_SPARK_ON="emr", **REFUSED)
    (made,) = clusters(emr)
    assert ended.state == "failed"
    assert ended.tasks["deduplicate.run"] == "failed"
    assert ended.tasks["deduplicate.terminate_cluster"] == "success"
    assert ended.tasks["check_clean"] == "upstream_failed"
    assert {each["Status"]["State"] for each in steps(emr, made)} == {"FAILED"}
    assert made["Status"]["State"] == "TERMINATED"
    assert "Locked" in emr.log(steps(emr, made)[0]["Id"])


def test_a_step_that_takes_too_long_is_given_up_and_its_cluster_is_ended(ingest, emr, locked):
    ended = ingest(TRENDHOUSE_SPARK_ON="emr", **GIVEN_UP)
    (made,) = clusters(emr)
    assert ended.state == "failed"
    assert ended.tasks["deduplicate.terminate_cluster"] == "success"
    assert made["Status"]["State"] == "TERMINATED"
    emr.stop()
    assert {each.state for each in emr.steps_of(made["Id"])} == {"CANCELLED"}
    assert nothing_runs(emr)


def test_a_run_that_somebody_marks_as_failed_ends_its_cluster(emr, world, locked):
    """Under a real scheduler and triggerer, while the wait for the job is deferred."""
    on = {"TRENDHOUSE_SPARK_ON": "emr", "TRENDHOUSE_LOCK_WAIT_SECONDS": "900"}
    dag = INGEST[1]
    with standing(Path(world["TRENDHOUSE_HOME"]), {**world, **on}) as airflow:
        airflow.api.unpause(dag)
        run = quote(airflow.api.trigger(dag))
        airflow.task(dag, "deduplicate.run", "deferred")
        airflow.api.ask(f"/api/v2/dags/{dag}/dagRuns/{run}", {"state": "failed"}, method="PATCH")
        # Airflow lets teardowns run, and judges the run by its last tasks: these were skipped.
        airflow.task(dag, "deduplicate.terminate_cluster", "success")
        airflow.task(dag, "deduplicate.run", "failed")
        airflow.task(dag, "check_clean", "skipped")
    (made,) = clusters(emr)
    assert made["Status"]["State"] == "TERMINATED"
    emr.stop()
    assert nothing_runs(emr)


def test_a_serverless_run_does_the_job_in_an_application_that_stood_still(ingest, emr, application):
    ended = ingest(**application)
    (run,) = runs(emr, application)
    assert ended.state == "success", ended.said + emr.log(run["id"])
    assert run["state"] == "SUCCESS"
    assert "kept" in emr.log(run["id"])
    assert clean_manifest(emr)["files"]


def test_a_serverless_run_that_fails_fails_the_dag(ingest, emr, application, locked):
    ended = ingest(**application, **REFUSED)
    assert ended.state == "failed"
    assert (ended.tasks["deduplicate"], ended.tasks["check_clean"]) == ("failed", "upstream_failed")
    assert all("Locked" in emr.log(run["id"]) for run in runs(emr, application))


def test_a_serverless_run_that_takes_too_long_is_ended_by_its_own_limit(
    ingest, emr, application, locked
):
    """AWS holds the limit, also where Airflow is gone; its five minutes are five seconds here."""
    emr.minute = 1.0
    ended = ingest(**application, **GIVEN_UP)
    assert ended.state == "failed"
    assert ended.tasks["deduplicate"] == "failed"
    assert {run["state"] for run in runs(emr, application)} == {"CANCELLED"}
    emr.stop()
    assert nothing_runs(emr)
