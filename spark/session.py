"""The one place that knows how a Spark session is made: master, memory, Java, time zone, rules.

TRENDHOUSE_SPARK_MASTER decides where the same job runs: here, on a standalone cluster, YARN (EMR),
Kubernetes, or behind a Spark Connect server (docs/spark.md).
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spark.archive import archive_options
from spark.java import Java, find_java, unicode_locale
from spark.lookups import remember
from spark.s3a import s3a_conf
from trendhouse.spark_masters import OF_A_SESSION, is_connect, is_local, is_submitted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from trendhouse.settings import Settings

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
}
# Nobody but this process speaks with the driver.
ALONE = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


# Bytes of raw files from which on the JVM's second compiler wins back what it costs.
MANY_BYTES = 100 * 2**20
FIRST_COMPILER = "-XX:TieredStopAtLevel=1"
# Forty times the JVM's own thresholds: parsing soon gets there, planning and start-up never do.
BOTH_COMPILERS = (
    "-XX:Tier4InvocationThreshold=200000 -XX:Tier4MinInvocationThreshold=24000 "
    "-XX:Tier4CompileThreshold=600000 -XX:Tier4BackEdgeThreshold=1600000"
)
# By master, memory and given settings.
SESSIONS: dict[tuple, SparkSession] = {}


def start(
    settings: Settings | None = None, *, master: str = "", memory: str = "", raw_bytes: int = 0
) -> SparkSession:
    """The process's session, made on first call. Local mode unless TRENDHOUSE_SPARK_MASTER says other;
    under spark-submit its master, unless that variable says other.

    `raw_bytes` is the size of the raw files that wait for it; with the first call it chooses the JVM's
    compilers. Raises spark.java.NoJava if no Java fits.
    """
    if settings is None and not (master and memory):
        from trendhouse.settings import load_settings

        settings = load_settings()
    given: dict[str, str] = {}
    if settings:
        given = {**(s3a_conf() if settings.spark_s3a else {}), **settings.spark_conf}
        memory = memory or settings.spark_memory
        if not master:
            is_given = "spark_master" in settings.model_fields_set
            master = settings.spark_master if is_given or not is_submitted() else ""
    key = (master, memory, *given.items())
    if key not in SESSIONS:
        SESSIONS[key] = make(master, memory, given, compilers(raw_bytes))
    return SESSIONS[key]


def make(master: str, memory: str, given: dict[str, str], compilers: str) -> SparkSession:
    conf = {**CONF, **prepare(master, memory, compilers), **given}
    from pyspark.sql import SparkSession

    if running := SparkSession.getActiveSession():
        return running
    builder = SparkSession.builder.appName("trendhouse")
    if is_connect(master):
        builder = builder.remote(master)
        conf = {name: value for name, value in conf.items() if name.startswith(OF_A_SESSION)}
    elif master:
        builder = builder.master(master)
    for name, value in conf.items():
        builder = builder.config(name, value)
    with own_interrupts():
        session = builder.getOrCreate()
    if not is_connect(master):
        remember(session._jvm)
    return session


def prepare(master: str, memory: str, compilers: str) -> dict[str, str]:
    """Make this process fit to drive Spark; returns the settings that depend on where that is.

    On a cluster the driver's address is found by Spark itself, since executors must reach it, and what
    they run as Python is PYSPARK_PYTHON where they are.
    """
    if is_connect(master):
        return {}
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    if is_local(master):
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    alone = ALONE if is_local(master) else {}
    if is_submitted():  # the JVM runs: its heap and options are what spark-submit was given
        return alone
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    java = find_java()
    os.environ.update(unicode_locale(os.environ), JAVA_HOME=str(java.home))
    return {**alone, **jvm_conf(memory, java, compilers)}


def interpreting(session: SparkSession) -> SparkSession:
    """A session beside `session` for plans that see few rows: no code is compiled, one task does all.

    Compiling a plan costs 1-2 s; interpreting it costs some microseconds for each row.
    """
    # A new session of a Connect server would begin with the server's settings instead of ours.
    beside = session.cloneSession() if is_remote(session) else session.newSession()
    beside.conf.set("spark.sql.codegen.wholeStage", "false")
    beside.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    beside.conf.set("spark.sql.shuffle.partitions", "1")
    beside.conf.set("spark.sql.files.minPartitionNum", "1")
    return beside


def is_remote(session: SparkSession) -> bool:
    """Whether the session is one of Spark Connect."""
    return not hasattr(session, "sparkContext")


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
    SESSIONS.clear()


@contextmanager
def own_interrupts() -> Iterator[None]:
    """PySpark takes SIGINT for itself where it starts in the main thread; here a command decides on it, and
    a JVM that works for a command that was told to end stops at once."""
    from trendhouse.terminable import at_ending

    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    yield
    if is_main:
        signal.signal(signal.SIGINT, before)
    at_ending(abandon)


def abandon() -> None:
    """End the JVM in the midst of its work; what it was at has not been committed."""
    from pyspark import SparkContext

    process = getattr(SparkContext._gateway, "proc", None)
    if process is not None:
        process.terminate()
