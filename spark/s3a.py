"""Spark's own way to S3, for whoever has its jar: reads and writes `s3a://` without copies."""

from __future__ import annotations

import os
import re
from pathlib import Path

HADOOP = re.compile(r"hadoop-client-api-(.+)\.jar")


def s3a_conf() -> dict[str, str]:
    """The session's configuration; credentials are those of the environment, as S3A finds them itself.

    Raises FileNotFoundError if this Spark carries no Hadoop, whose version the jar must have.
    """
    import pyspark

    jars = (path.name for path in Path(pyspark.__file__).with_name("jars").iterdir())
    versions = [found[1] for name in jars if (found := HADOOP.fullmatch(name))]
    if not versions:
        raise FileNotFoundError(
            "Spark's jars hold no hadoop-client-api-*.jar to fit hadoop-aws to."
        )
    conf = {
        "spark.jars.packages": f"org.apache.hadoop:hadoop-aws:{versions[0]}",
        "spark.hadoop.fs.s3a.connection.maximum": "64",
    }
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        conf |= {
            "spark.hadoop.fs.s3a.endpoint": endpoint,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(
                endpoint.startswith("https://")
            ).lower(),
        }
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return {**conf, **({"spark.hadoop.fs.s3a.endpoint.region": region} if region else {})}
