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

# Bytes of raw files from which on the JVM's second compiler wins back what it costs.
MANY_BYTES = 100 * 2**20
FIRST_COMPILER = "-XX:TieredStopAtLevel=1"
# Forty times the JVM's own thresholds: parsing soon gets there, planning and start-up never do.
BOTH_COMPILERS = (
    "-XX:Tier4InvocationThreshold=200000 -XX:Tier4MinInvocationThreshold=24000 "
    "-XX:Tier4CompileThreshold=600000 -XX:Tier4BackEdgeThreshold=1600000"
)


def start(
    settings: Settings | None = None, *, master: str = "", memory: str = "", raw_bytes: int = 0
) -> SparkSession:
    """The process's session, made on first call. Local mode unless TRENDHOUSE_SPARK_MASTER says other.

    `raw_bytes` is the size of the raw files that wait for it, and chooses the JVM's compilers.
    Raises spark.java.NoJava if no Java fits.
    """
    if settings is None and not (master and memory):
        from orchestration.settings import load_settings

        settings = load_settings()
    return _start(
        master or settings.spark_master, memory or settings.spark_memory, compilers(raw_bytes)
    )


@cache
def _start(master: str, memory: str, compilers: str) -> SparkSession:
    java = find_java()
    os.environ["JAVA_HOME"] = str(java.home)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from pyspark.sql import SparkSession

    if running := SparkSession.getActiveSession():
        return running
    builder = SparkSession.builder.appName("trendhouse").master(master)
    for name, value in {**CONF, **jvm_conf(memory, java, compilers)}.items():
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


def compilers(raw_bytes: int) -> str:
    """Options of the JVM for so much work: compiling twice is seldom won back by many small tables."""
    return FIRST_COMPILER if raw_bytes < MANY_BYTES else BOTH_COMPILERS


def jvm_conf(memory: str, java: Java, compilers: str) -> dict[str, str]:
    """Driver heap and the JVM's options.

    The parallel collector is a tenth faster here than G1. The log is kept to errors.
    """
    import pyspark

    log4j = Path(__file__).with_name("log4j2.properties")
    options = (
        "-XX:ReservedCodeCacheSize=256m -XX:+UseParallelGC "
        f"-Dlog4j2.configurationFile={log4j.as_uri()}"
    )
    jars = Path(pyspark.__file__).with_name("jars")
    archive = archive_options(java, jars, options)  # one for both ways of compiling
    return {
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": f"{compilers} {options} {archive}",
        "spark.local.dir": os.environ.get("SPARK_LOCAL_DIRS", tempfile.gettempdir()),
    }


def stop(session: SparkSession) -> None:
    """End the session and forget it, so that `start` makes a new one."""
    session.stop()
    _start.cache_clear()
