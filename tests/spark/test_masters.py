"""One variable says where Spark runs; what does not fit is told by its name."""

import os
import sys

import pytest

from spark import session
from spark.java import find_java
from trendhouse.settings import Settings, SettingsError, load_settings
from trendhouse.spark_masters import read_conf

CLUSTERS = ("spark://10.0.0.1:7077", "yarn", "k8s://https://10.0.0.1:6443")


@pytest.fixture
def untouched(monkeypatch):
    """The variables that a session sets for its JVM, as they were before and will be after."""
    for name in ("JAVA_HOME", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "SPARK_LOCAL_IP"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    find_java()
    for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "SPARK_LOCAL_IP"):
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("master", ["local", "local[*]", "local[2,3]", *CLUSTERS, "sc://h:15002"])
def test_every_kind_of_master_is_taken(monkeypatch, master):
    monkeypatch.setenv("TRENDHOUSE_SPARK_MASTER", master)
    assert load_settings().spark_master == master


@pytest.mark.parametrize("master", ["locl[*]", "mesos://h:5050", "spark://", "http://h:15002"])
def test_what_is_no_master_is_refused_with_what_would_do(monkeypatch, master):
    monkeypatch.setenv("TRENDHOUSE_SPARK_MASTER", master)
    with pytest.raises(SettingsError, match=r"TRENDHOUSE_SPARK_MASTER is .* give local\[\*\]"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "conf"),
    [
        ("", {}),
        (
            "spark.executor.cores=4, spark.executor.memory=8g",
            {"spark.executor.cores": "4", "spark.executor.memory": "8g"},
        ),
        (
            '{"spark.ui.enabled": true, "spark.x": "a=b,c", "spark.n": 2}',
            {"spark.ui.enabled": "true", "spark.x": "a=b,c", "spark.n": "2"},
        ),
    ],
)
def test_settings_of_spark_are_read_from_pairs_or_json(text, conf):
    assert read_conf(text) == conf


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("spark.executor.cores", "is no name=value"),
        ("executor.cores=4", "`executor.cores` is no setting of Spark"),
        ('{"spark.a": [1]}', "`spark.a` is no setting of Spark"),
        ('{"spark.a": 1', "the JSON object is broken"),
        ("spark.sql.session.timeZone=Asia/Seoul", "may not be changed"),
    ],
)
def test_settings_that_spark_cannot_have_are_refused_by_name(monkeypatch, text, said):
    monkeypatch.setenv("TRENDHOUSE_SPARK_CONF", text)
    with pytest.raises(SettingsError, match=f"TRENDHOUSE_SPARK_CONF.*{said}"):
        load_settings()


def test_local_mode_speaks_with_nobody(untouched):
    conf = session.prepare("local[*]", "1g", session.FIRST_COMPILER)
    assert conf["spark.driver.bindAddress"] == conf["spark.driver.host"] == "127.0.0.1"
    assert os.environ["PYSPARK_PYTHON"] == sys.executable


@pytest.mark.parametrize("master", CLUSTERS)
def test_a_cluster_is_not_bound_to_this_machine(untouched, master):
    untouched.setenv("PYSPARK_PYTHON", "/opt/python")
    conf = session.prepare(master, "1g", session.FIRST_COMPILER)
    assert not {"spark.driver.host", "spark.driver.bindAddress"} & set(conf)
    assert conf["spark.driver.memory"] == "1g"
    assert os.environ["PYSPARK_PYTHON"] == "/opt/python"
    assert "SPARK_LOCAL_IP" not in os.environ


def test_the_jvm_of_spark_submit_keeps_its_own_heap_and_java(untouched):
    untouched.setenv("PYSPARK_GATEWAY_PORT", "1")
    untouched.setenv("JAVA_HOME", "/usr/lib/jvm/emr")
    assert session.prepare("yarn", "1g", session.FIRST_COMPILER) == {}
    assert os.environ["JAVA_HOME"] == "/usr/lib/jvm/emr"


@pytest.mark.parametrize(
    ("submitted", "given", "master"),
    [
        (False, {}, "local[*]"),
        (True, {}, ""),
        (True, {"spark_master": "local[*]"}, "local[*]"),
        (False, {"spark_master": "yarn"}, "yarn"),
    ],
)
def test_spark_submit_s_master_holds_unless_the_variable_says_other(
    monkeypatch, submitted, given, master
):
    if submitted:
        monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    monkeypatch.delenv("TRENDHOUSE_SPARK_MASTER", raising=False)
    asked = []
    monkeypatch.setattr(session, "SESSIONS", {})
    monkeypatch.setattr(session, "make", lambda *all: asked.append(all))
    session.start(Settings(**given))
    assert asked == [(master, "2g", {}, session.FIRST_COMPILER)]
