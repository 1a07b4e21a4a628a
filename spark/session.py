"""The one place that knows how a Spark session is made: master, memory, Java, time zone, rules."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from spark.archive import archive_options
from spark.java import Java, find_java
from spark.lookups import remember
from spark.s3a import s3a_conf

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from orchestration.settings import Settings

CONF = {
    # What the clean lake's types rest on.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.caseSensitive": "true",
    # Many small tables at once: fair turns, few tasks, no jobs only to list files or plan.
    "spark.scheduler.mode": "FAIR",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    "spark.locality.wait": "0",
    "spark.sql.files.openCostInBytes": "262144",
    # Writers: nothing beside the data; a staging folder is renamed only by the manifest's commit.
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "2",
    # Finding the Python line of each column expression costs more than the expression.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Nobody reads the plans as text.
    "spark.sql.maxPlanStringLength": "1000",
    "spark.sql.debug.maxToStringFields": "1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


def start(settings: Settings | None = None, *, master: str = "", memory: str = "") -> SparkSession:
    """The process's session, made on first call. Local mode unless TRENDHOUSE_SPARK_MASTER says other.

    Raises spark.java.NoJava if no Java fits.
    """
    if settings is None and not (master and memory):
        from orchestration.settings import load_settings

        settings = load_settings()
    with_s3a = settings is not None and settings.spark_s3a
    return _start(master or settings.spark_master, memory or settings.spark_memory, with_s3a)


@cache
def _start(master: str, memory: str, with_s3a: bool) -> SparkSession:
    java = find_java()
    os.environ["JAVA_HOME"] = str(java.home)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession

    if running := SparkSession.getActiveSession():
        return running
    builder = SparkSession.builder.appName("trendhouse").master(master)
    for name, value in (s3a_conf() if with_s3a else {}).items():
        builder = builder.config(name, value)
    for name, value in {**CONF, **jvm_conf(memory, java)}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    remember(session._jvm)
    return session


def interpreting(session: SparkSession) -> SparkSession:
    """A session beside `session` for plans that see few rows: no code is compiled, one task does all.

    Compiling a plan costs 1-2 s; interpreting it costs some microseconds for each row.
    """
    beside = session.newSession()
    beside.conf.set("spark.sql.codegen.wholeStage", "false")
    beside.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    beside.conf.set("spark.sql.shuffle.partitions", "1")
    beside.conf.set("spark.sql.files.minPartitionNum", "1")
    return beside


def jvm_conf(memory: str, java: Java) -> dict[str, str]:
    """Driver heap, and a JVM for short runs.

    Compiling to the second tier costs a quarter of a cold run's CPU and is seldom won back; the parallel
    collector is a tenth faster here than G1. The log is kept to errors.
    """
    import pyspark

    log4j = Path(__file__).with_name("log4j2.properties")
    options = " ".join(
        (
            "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseParallelGC",
            f"-Dlog4j2.configurationFile={log4j.as_uri()}",
        )
    )
    jars = Path(pyspark.__file__).with_name("jars")
    return {
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": f"{options} {archive_options(java, jars, options)}",
        "spark.local.dir": os.environ.get("SPARK_LOCAL_DIRS", tempfile.gettempdir()),
    }


def stop(session: SparkSession) -> None:
    """End the session and forget it, so that `start` makes a new one."""
    session.stop()
    _start.cache_clear()
