"""The deduplication on Amazon EMR: what a job there is told, and the cluster or serverless run that does it."""

from __future__ import annotations

from math import ceil
from typing import Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from trendhouse.settings import Settings, SettingsError, loaded

On = Literal["emr", "emr_serverless"]
# Of our own settings, those that say what to work on; all others are this machine's affair.
CARRIED = ("lake_url", "lake_lease_seconds", "lock_wait_seconds", "min_free_gb", "log_level")
IDLE_SECONDS = 900
ENVIRONMENT = "environment.tar.gz"
HOMES: dict[On, str] = {"emr": "/mnt/trendhouse", "emr_serverless": "/tmp/trendhouse"}  # noqa: S108


class Emr(BaseSettings):
    """How Amazon EMR is used; each field is a variable of this prefix."""

    model_config = SettingsConfigDict(env_prefix="TRENDHOUSE_EMR_", env_ignore_empty=True)

    region: str | None = Field(
        None,
        description="AWS region; unset: that of the connection `aws_default` or of the machine.",
    )
    code: str | None = Field(
        None,
        pattern=r"^s3://[^/]+(/.+)?$",
        description="`s3://bucket/folder` that holds `environment.tar.gz`, `deduplicate.py` and "
        "`bootstrap.sh` (docs/spark.md). Needed on EMR.",
    )
    logs: str | None = Field(
        None,
        pattern=r"^s3://[^/]+(/.+)?$",
        description="`s3://…` for the logs; unset: none are kept.",
    )
    release: str = Field(
        "emr-spark-8.0.0", description="Release of a cluster; the job needs Spark 4.0 or later."
    )
    application: str | None = Field(
        None, description="Id of the EMR Serverless application. Needed there."
    )
    job_role: str | None = Field(
        None,
        pattern=r"^arn:[^:]+:iam::\d{12}:role/.+$",
        description="ARN of the role that a serverless job takes. Needed there.",
    )
    service_role: str = Field("EMR_DefaultRole", description="Role of the EMR service.")
    instance_profile: str = Field(
        "EMR_EC2_DefaultRole", description="Role of a cluster's machines."
    )
    subnet: str | None = Field(None, description="Subnet of a cluster; unset: AWS chooses.")
    instance_type: str = Field("m5.xlarge", description="Machines of a cluster.")
    nodes: int = Field(
        1,
        ge=1,
        description="Machines of a cluster. One works in local mode; several on YARN, and then "
        "`TRENDHOUSE_EMR_HOME` must be a folder that all of them see (EFS, FSx).",
    )
    home: str | None = Field(
        None,
        description="`TRENDHOUSE_HOME` of the job there; unset: a folder on the disk of its machine, which "
        "ends with it. Needed without TRENDHOUSE_LAKE_URL: then a folder that Airflow sees as well.",
    )
    cores: int = Field(4, ge=1, le=16, description="vCPUs of a serverless job: 1, 2, 4, 8 or 16.")
    memory: str = Field(
        "8g", pattern=r"^[1-9]\d*g$", description="Heap of the job's Spark driver, as in `8g`."
    )
    disk: str = Field("100g", pattern=r"^[1-9]\d*g$", description="Disk of a serverless job.")
    minutes: float = Field(
        120, gt=0, description="A job is given up after this time, and its cluster ended; minutes."
    )
    poll_seconds: int = Field(30, ge=1, description="Between two looks at a job; seconds.")
    environment: str = Field(
        "/mnt/environment", description="Folder of the job's Python on a cluster's machines."
    )
    tags: str = Field(
        "project=trendhouse",
        pattern=r"^[^=,]+=[^=,]*(,[^=,]+=[^=,]*)*$",
        description="Tags for the bill, as in `project=trendhouse,team=data`.",
    )

    def needing(self, *names: str) -> Emr:
        """These settings, with `names` set. Raises SettingsError naming those that are not."""
        if lacking := [name for name in names if getattr(self, name) is None]:
            raise SettingsError(
                "\n".join(
                    f"TRENDHOUSE_EMR_{name.upper()} is not set: {Emr.model_fields[name].description}"
                    for name in lacking
                )
            )
        return self

    @property
    def whole_minutes(self) -> int:
        """The limit of a serverless run, as AWS takes it: five minutes at least."""
        return max(5, ceil(self.minutes))

    @property
    def tag_map(self) -> dict[str, str]:
        return dict(tag.strip().split("=", 1) for tag in self.tags.split(","))


def load_emr(on: On, settings: Settings) -> Emr:
    """The settings of EMR. Raises SettingsError naming each that does not fit or is missing."""
    needed = {"emr": ("code",), "emr_serverless": ("code", "application", "job_role")}
    in_a_folder = settings.lake_url is None
    emr = loaded(Emr).needing(*needed[on], *(["home"] if in_a_folder else []))
    return emr.model_copy(update={"home": emr.home or HOMES[on]})


def variables(settings: Settings, emr: Emr, master: str) -> dict[str, str]:
    """The environment of a job there: our world and lake, its own folder and Spark."""
    ours = {name: getattr(settings, name) for name in CARRIED}
    told = {
        "home": emr.home,
        "world": settings.effective_world,
        **{name: value for name, value in ours.items() if value is not None},
        "spark_master": master,
        "spark_memory": emr.memory,
    }
    return {f"TRENDHOUSE_{name}".upper(): str(value) for name, value in told.items()}


def step(settings: Settings, emr: Emr, source: str) -> dict[str, Any]:
    """The step of a cluster: spark-submit of the very job, in the environment that bootstrap.sh made."""
    told = variables(settings, emr, "local[*]" if emr.nodes == 1 else "yarn")
    return {
        "Name": f"deduplicate {source}",
        "ActionOnFailure": "CONTINUE",  # a retry finds the cluster alive; the teardown ends it
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": [
                "env",
                *(f"{name}={value}" for name, value in told.items()),
                "spark-submit",
                *("--deploy-mode", "client", "--driver-memory", emr.memory),
                *confs(settings.spark_conf),
                *("--conf", f"spark.pyspark.python={emr.environment}/bin/python"),
                f"{emr.environment}/jobs/deduplicate.py",
                source,
            ],
        },
    }


def confs(settings: dict[str, str]) -> list[str]:
    return [word for pair in settings.items() for word in ("--conf", "=".join(pair))]


def cluster(emr: Emr, source: str) -> dict[str, Any]:
    """A cluster for one job. Nothing of it outlives the job: it ends itself when it idles."""
    groups = [("MASTER", 1), ("CORE", emr.nodes - 1)]
    optional = {"LogUri": emr.logs} if emr.logs else {}
    return {
        **optional,
        "Name": f"trendhouse deduplicate {source}",
        "ReleaseLabel": emr.release,
        "Applications": [{"Name": "Spark"}],
        "Instances": {
            "InstanceGroups": [
                {"InstanceRole": role, "InstanceType": emr.instance_type, "InstanceCount": count}
                for role, count in groups
                if count
            ],
            "KeepJobFlowAliveWhenNoSteps": True,
            "TerminationProtected": False,
            **({"Ec2SubnetId": emr.subnet} if emr.subnet else {}),
        },
        "BootstrapActions": [
            {
                "Name": "environment",
                "ScriptBootstrapAction": {
                    "Path": f"{emr.code}/bootstrap.sh",
                    "Args": [f"{emr.code}/{ENVIRONMENT}", emr.environment, emr.home],
                },
            }
        ],
        "AutoTerminationPolicy": {"IdleTimeout": IDLE_SECONDS},
        "JobFlowRole": emr.instance_profile,
        "ServiceRole": emr.service_role,
        "Tags": [{"Key": key, "Value": value} for key, value in emr.tag_map.items()],
    }


def serverless_run(settings: Settings, emr: Emr, source: str) -> dict[str, Any]:
    """The arguments of a serverless run: one driver in local mode, billed by the second, no executors.

    A driver has a disk of its own that no executor sees, so the job must not have any.
    """
    told = variables(settings, emr, "local[*]")
    python = "./environment/bin/python"
    submitted = {
        **settings.spark_conf,
        "spark.archives": f"{emr.code}/{ENVIRONMENT}#environment",
        "spark.driver.cores": str(emr.cores),
        "spark.driver.memory": emr.memory,
        "spark.driver.memoryOverhead": "4g",  # Arrow and Python work beside the heap
        "spark.emr-serverless.driver.disk": emr.disk,
        "spark.dynamicAllocation.enabled": "false",
        "spark.executor.instances": "1",
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": python,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": python,
        **{f"spark.emr-serverless.driverEnv.{name}": value for name, value in told.items()},
    }
    overrides: dict[str, Any] = {
        "applicationConfiguration": [{"classification": "spark-defaults", "properties": submitted}]
    }
    if emr.logs:
        logs = {"s3MonitoringConfiguration": {"logUri": emr.logs}}
        overrides["monitoringConfiguration"] = logs
    return {
        "application_id": emr.application,
        "execution_role_arn": emr.job_role,
        "name": f"trendhouse deduplicate {source}",
        "job_driver": {
            "sparkSubmit": {
                "entryPoint": f"{emr.code}/deduplicate.py",
                "entryPointArguments": [source],
            }
        },
        "configuration_overrides": overrides,
        "config": {"executionTimeoutMinutes": emr.whole_minutes, "tags": emr.tag_map},
    }
