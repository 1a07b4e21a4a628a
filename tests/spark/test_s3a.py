"""The configuration of Spark's own way to S3, as far as it can be held to anything without its jar."""

from spark import session
from spark.s3a import s3a_conf
from trendhouse.settings import load_settings


def test_the_jar_is_of_the_version_that_spark_carries(spark, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    version = spark._jvm.org.apache.hadoop.util.VersionInfo.getVersion()
    conf = s3a_conf()
    assert conf["spark.jars.packages"] == f"org.apache.hadoop:hadoop-aws:{version}"
    assert "spark.hadoop.fs.s3a.endpoint" not in conf


def test_another_server_and_region_are_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    conf = {name.removeprefix("spark.hadoop.fs.s3a."): value for name, value in s3a_conf().items()}
    assert conf["endpoint"] == "http://127.0.0.1:9000"
    assert conf["path.style.access"] == "true" and conf["connection.ssl.enabled"] == "false"
    assert conf["endpoint.region"] == "eu-central-1"
    assert not any("secret" in name or "key" in name for name in conf)


def test_the_session_is_given_it_by_a_setting(monkeypatch):
    asked = []
    monkeypatch.setattr(session, "SESSIONS", {})
    monkeypatch.setattr(session, "make", lambda master, memory, given, _: asked.append(given))
    for wanted in (True, False):
        session.start(load_settings(spark_s3a=wanted))
    assert asked == [s3a_conf(), {}]
