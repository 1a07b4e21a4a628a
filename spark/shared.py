"""Whether a cluster's executors work on the very files that this process sees."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from trendhouse.errors import TrendhouseError
from trendhouse.spark_masters import is_local

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# More than the first executor to be there, and still one second at most.
TASKS = 8


class NotShared(TrendhouseError):
    """Executors do not see the lake's folder; the message names it and what to do."""


def require_shared(spark: SparkSession, folder: Path) -> None:
    """Let executors write below `folder`, and look whether it has arrived here.

    Without it a deduplication on a cluster would end in files that cannot be found, or in rows that
    are lost between the disks of several machines. Local mode needs no proof. Raises NotShared.
    """
    from spark.session import is_remote

    if is_local(spark.conf.get("spark.master")) and not is_remote(spark):
        return
    probe = folder / f".shared-{uuid.uuid4().hex}"
    probe.mkdir(parents=True)
    try:
        here = probe / "here.parquet"
        spark.range(0, TASKS, 1, TASKS).write.parquet(str(here))
        seen = len(list(here.glob("*.parquet")))
        cause = None if seen == TASKS else f"of {TASKS} files that they wrote {seen} are here"
    except Exception as error:
        cause = str(error).strip().splitlines()[0]
        raise not_shared(folder, cause) from error
    finally:
        shutil.rmtree(probe, ignore_errors=True)
    if cause:
        raise not_shared(folder, cause)


def not_shared(folder: Path, cause: str) -> NotShared:
    return NotShared(
        f"The executors of this cluster do not see {folder} as this machine does: {cause}. A lake (or "
        "the copies of one in an object store) that a cluster works on must lie on a file system which "
        "every node has mounted at the same path, as NFS, EFS or FSx: put TRENDHOUSE_HOME there, or "
        "set TRENDHOUSE_SPARK_MASTER=local[*]. Nothing was changed."
    )
