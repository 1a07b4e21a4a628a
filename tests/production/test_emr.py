"""The deduplication on EMR, by the real DAG: the job really runs, and no cluster outlives it, whatever it comes to."""

from __future__ import annotations

import json
import sys

import pytest
from filelock import FileLock

from orchestration.emr import Emr, cluster, load_emr, step
from orchestration.settings import Place, Settings, SettingsError
from orchestration.worlds import SAMPLE_NOW, sample_variables
from simulator.running import serve
from tests.orchestration.dags.airflow_runs import Airflow
from tests.orchestration.dags.test_policy import DAGS, HEAVY, MOST_SECONDS, violations
from tests.production.emr_service import CODE, REGION, EmrService

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
def home(tmp_path_factory):
    """The folder of a small sample world that Airflow and EMR's machines both see."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def world(home):
    with serve(now=SAMPLE_NOW.isoformat()) as simulator:
        yield {
            **sample_variables(simulator.base_url, Settings(home=home)),
            "TRENDHOUSE_HOME": str(home),
            "TRENDHOUSE_WORLD": "sample",
            "TRENDHOUSE_NOW": SAMPLE_NOW.isoformat(),
            "TRENDHOUSE_RANKING_DAYS": "1",
            "TRENDHOUSE_SPARK_MEMORY": "1g",
            "TRENDHOUSE_EMR_REGION": REGION,
            "TRENDHOUSE_EMR_CODE": CODE,
            "TRENDHOUSE_EMR_HOME": str(home),
            "TRENDHOUSE_EMR_MEMORY": "1g",
            "TRENDHOUSE_EMR_POLL_SECONDS": "1",
            "TRENDHOUSE_EMR_LOGS": "s3://code/logs",
        }


@pytest.fixture
def ingest(airflow, emr, world):
    """Run the DAG of a source with settings on top; how it ended."""
    environment = str(emr.folder / "environment")

    def run(**variables: str):
        given = {**world, **emr.credentials, "TRENDHOUSE_EMR_ENVIRONMENT": environment, **variables}
        ended = airflow.test(*INGEST, **given)
        assert ended.tasks["land"] == "success", ended.said
        return ended

    return run


@pytest.fixture
def locked(home):
    """Somebody else works on the clean lake, for as long as the test lasts."""
    place = Place(home / "sample")
    place.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(place.locks / "clean.lock"):
        yield


@pytest.fixture
def application(emr):
    """A serverless application that stands still; the settings that name it."""
    client = emr.client("emr-serverless")
    made = client.create_application(
        name="trendhouse", releaseLabel="emr-spark-8.0.0", type="SPARK", clientToken="x"
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
    # The provider's urllib3 asks, once, whether this machine has IPv6.
    assert [opening for opening in parsed["opened"] if "('::1', 0)" not in opening] == []
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


def test_a_cluster_is_made_does_the_job_and_is_ended(ingest, emr, home):
    ended = ingest(TRENDHOUSE_SPARK_ON="emr")
    (made,) = clusters(emr)
    (ran,) = steps(emr, made)
    assert ended.state == "success", ended.said + emr.log(ran["Id"])
    assert set(ended.tasks.values()) == {"success"}
    assert (made["Status"]["State"], ran["Status"]["State"]) == ("TERMINATED", "COMPLETED")
    assert "kept" in emr.log(ran["Id"])
    assert Place(home / "sample").lake.clean_files(SOURCE, "rankings")
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


def test_a_serverless_run_does_the_job_in_an_application_that_stood_still(
    ingest, emr, application, home
):
    ended = ingest(**application)
    (run,) = runs(emr, application)
    assert ended.state == "success", ended.said + emr.log(run["id"])
    assert run["state"] == "SUCCESS"
    assert "kept" in emr.log(run["id"])


def test_a_serverless_run_that_fails_fails_the_dag(ingest, emr, application, locked):
    ended = ingest(**application, **REFUSED)
    assert ended.state == "failed"
    assert (ended.tasks["deduplicate"], ended.tasks["check_clean"]) == ("failed", "upstream_failed")
    assert all("Locked" in emr.log(run["id"]) for run in runs(emr, application))


def test_a_serverless_run_that_takes_too_long_is_cancelled(ingest, emr, application, locked):
    ended = ingest(**application, **GIVEN_UP)
    assert ended.state == "failed"
    assert {run["state"] for run in runs(emr, application)} == {"CANCELLED"}
    emr.stop()
    assert nothing_runs(emr)
