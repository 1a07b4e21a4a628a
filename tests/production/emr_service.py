"""Amazon EMR on this machine: moto answers its API, and what moto would only note down is really done.

A cluster's bootstrap action and steps, and a serverless run, become processes; how they end is how the
step or the run ends. Ending a cluster, or cancelling a run, ends its process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.emr.models import emr_backends
from moto.emrserverless import models as serverless
from moto.server import ThreadedMotoServer

from spark.java import find_java
from trendhouse.settings import ROOT

REGION = "eu-west-1"
CODE = "s3://code/trendhouse"
LAKE = "s3://lake/trendhouse"
# What a machine of EMR has and this one has not.
AWS = """#!{python}
import sys, boto3
s3, cp, _, source, target = sys.argv[1:]
assert (s3, cp, target) == ("s3", "cp", "-"), sys.argv
bucket, _, key = source.removeprefix("s3://").partition("/")
sys.stdout.buffer.write(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
"""
SUDO = '#!/bin/sh\nexec "$@"\n'
PYTHON = '#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{root}" exec {python} "$@"\n'


class EmrService:
    """EMR, EMR Serverless and S3 of one account, with everything that they run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        url = f"http://{host}:{port}"
        reset = urllib.request.Request(f"{url}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset, timeout=30).close()  # what an earlier service left in moto
        self.credentials = {
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": token_hex(8),
            "AWS_SECRET_ACCESS_KEY": token_hex(16),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.began: dict[str, float] = {}
        self.booted: set[str] = set()
        self.minute = 60.0  # of the limits that AWS holds; seconds
        self.machines()
        serverless.JOB_STATUS = "SUBMITTED"  # moto's runs would be over as soon as they begin
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.credentials["AWS_ENDPOINT_URL"],
            region_name=REGION,
            aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
        )

    def machines(self) -> None:
        """The commands of EMR's machines, and our code in S3 as deploy/emr/Dockerfile leaves it."""
        bin_ = self.folder / "bin"
        made = self.folder / "made" / "bin"
        for folder in (bin_, made):
            folder.mkdir(parents=True)
        scripts = {
            bin_ / "aws": AWS.format(python=sys.executable),
            bin_ / "sudo": SUDO,
            made / "python": PYTHON.format(root=ROOT, python=sys.executable),
        }
        for path, text in scripts.items():
            path.write_text(text)
            path.chmod(0o755)
        archive, job = self.folder / "environment.tar.gz", ROOT / "spark/jobs/deduplicate.py"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(made, "bin")
            tar.add(job, "jobs/deduplicate.py")
        s3 = self.client("s3")
        for bucket in ("code", "lake"):
            where = {"LocationConstraint": REGION}
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        for path in (archive, job, ROOT / "deploy/emr/bootstrap.sh"):
            s3.upload_file(str(path), "code", f"trendhouse/{path.name}")

    def environment(self) -> dict[str, str]:
        """That of a process on EMR's machines: AWS's, Java, Spark's commands, and nothing of ours."""
        ours = {name: value for name, value in os.environ.items() if "TRENDHOUSE" not in name}
        path = f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        java = {"JAVA_HOME": str(find_java().home), "SPARK_LOCAL_IP": "127.0.0.1"}
        return {**ours, **self.credentials, **java, "PATH": path, "PYTHONPATH": ""}

    def start(self, name: str, command: list[str], cwd: Path, **variables: str) -> None:
        self.began[name] = time.monotonic()
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=cwd,
                env={**self.environment(), **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def work(self) -> None:
        while not self.is_over.is_set():
            for cluster in self.clusters():
                self.advance_cluster(cluster)
            for backend in in_all_regions(serverless.emrserverless_backends):
                for run in [run for runs in tuple(backend.job_runs.values()) for run in runs]:
                    self.advance(run, run.id, "SUCCESS", "CANCELLED", self.start_run)
                    self.limit(run)
            time.sleep(0.1)

    def clusters(self) -> list[Any]:
        found = in_all_regions(emr_backends)
        return [cluster for backend in found for cluster in tuple(backend.clusters.values())]

    def advance_cluster(self, cluster: Any) -> None:
        if cluster.state == "TERMINATED":
            for step in cluster.steps:
                if step.state in ("PENDING", "RUNNING"):
                    step.state = "CANCELLED"
                self.end(step.id)
            return
        if cluster.id not in self.booted:
            self.booted.add(cluster.id)
            self.boot(cluster)
        for step in cluster.steps:
            if step.state in ("PENDING", "RUNNING"):
                self.advance(step, step.id, "COMPLETED", "CANCELLED", self.start_step)
                return  # one after the other

    def advance(self, job: Any, name: str, good: str, cancelled: str, start: Any) -> None:
        """Start what has not begun, note how it ended, end what was cancelled."""
        if job.state == cancelled:
            self.end(name)
        elif name not in self.processes:
            job.state = "RUNNING"
            try:
                start(job)
            except BaseException:
                job.state = "FAILED"  # else whoever waits for it would wait for ever
                raise
        elif (code := self.processes[name].poll()) is not None and job.state == "RUNNING":
            job.state = "FAILED" if code else good

    def limit(self, run: Any) -> None:
        """What AWS does with a run that is beyond its limit."""
        limit = run.execution_timeout_minutes * self.minute
        if run.state == "RUNNING" and time.monotonic() > self.began[run.id] + limit:
            run.state = "CANCELLED"

    def boot(self, cluster: Any) -> None:
        for action in cluster.bootstrap_actions:
            script = self.folder / f"{cluster.id}-bootstrap.sh"
            bucket, _, key = action.script_path.removeprefix("s3://").partition("/")
            self.client("s3").download_file(bucket, key, str(script))
            subprocess.run(
                ["bash", script, *action.args], check=True, env=self.environment(), cwd=self.folder
            )

    def start_step(self, step: Any) -> None:
        assert step.jar == "command-runner.jar"
        self.start(step.id, step.args, self.folder)

    def start_run(self, run: Any) -> None:
        """Its archive unpacked where it works, its entry point fetched, its driver's variables set."""
        told = run.job_driver["sparkSubmit"]
        (defaults,) = run.configuration_overrides["applicationConfiguration"]
        conf = dict(defaults["properties"])
        where, driver = self.folder / run.id, "spark.emr-serverless.driverEnv."
        (where / "environment").mkdir(parents=True)
        s3 = self.client("s3")
        for address in (conf.pop("spark.archives").split("#")[0], told["entryPoint"]):
            bucket, _, key = address.removeprefix("s3://").partition("/")
            s3.download_file(bucket, key, str(where / Path(key).name))
        packed, unpacked = where / "environment.tar.gz", where / "environment"
        subprocess.run(["tar", "-xzf", packed, "-C", unpacked], check=True)
        variables = {n.removeprefix(driver): v for n, v in conf.items() if n.startswith(driver)}
        rest = [word for name, value in conf.items() for word in ("--conf", f"{name}={value}")]
        entry = str(where / Path(told["entryPoint"]).name)
        command = ["spark-submit", *rest, entry, *told["entryPointArguments"]]
        self.start(run.id, command, where, **variables)

    def steps_of(self, cluster: str) -> list[Any]:
        return [step for each in self.clusters() if each.id == cluster for step in each.steps]

    def end(self, name: str) -> None:
        if (process := self.processes.get(name)) and process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        self.is_over.set()
        self.thread.join()
        for name in self.processes:
            self.end(name)
        serverless.JOB_STATUS = "SUCCESS"
        self.server.stop()


def in_all_regions(backends: Any) -> list[Any]:
    """A server on 127.0.0.1 has no region in its name: moto files some services under its default."""
    return list(backends[DEFAULT_ACCOUNT_ID].values())
