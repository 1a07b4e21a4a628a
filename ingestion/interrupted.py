"""What an interrupted landing leaves in dlt's working folder, brought to a state from which dlt goes on."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import dlt
from dlt.common.storages import LoadStorage, NormalizeStorage
from dlt.common.storages.load_package import PackageStorage

log = logging.getLogger(__name__)
# What every package has from the moment on at which dlt puts it in its place, whole.
PARTS = (
    PackageStorage.NEW_JOBS_FOLDER,
    PackageStorage.SCHEMA_FILE_NAME,
    PackageStorage.LOAD_PACKAGE_STATE_FILE_NAME,
)


def finish_pending(pipeline: dlt.Pipeline) -> None:
    """Load what a killed run had extracted, drop what it had not, take over the newest state."""
    folder = Path(pipeline.working_dir)
    drop_half_extracted(folder / "normalize")
    put_away_loaded(folder / "load")
    remove_normalized(folder)
    if pipeline.has_pending_data:
        log.info("%s: loading what an interrupted run had extracted", pipeline.pipeline_name)
        pipeline.normalize()
        pipeline.load()
    pipeline.sync_destination()


def drop_half_extracted(normalize: Path) -> None:
    """Half-extracted packages lie in folders of their own; nothing of them is in the state."""
    for folder in packages(normalize):
        if folder.name != NormalizeStorage.EXTRACTED_FOLDER:
            shutil.rmtree(folder)


def put_away_loaded(load: Path) -> None:
    """dlt marks a package as loaded and moves it then; it refuses one that is marked and was not moved."""
    for package in packages(load / LoadStorage.NORMALIZED_FOLDER):
        if (package / PackageStorage.PACKAGE_COMPLETED_FILE_NAME).exists():
            loaded = load / LoadStorage.LOADED_FOLDER / package.name
            loaded.parent.mkdir(exist_ok=True)
            os.replace(package, loaded)


def remove_normalized(folder: Path) -> None:
    """dlt hands a normalized package on to loading and removes then, file by file, what it was made from;
    one without data it only removes."""
    load = folder / "load"
    for package in packages(folder / "normalize" / NormalizeStorage.EXTRACTED_FOLDER):
        is_handed_on = any(
            (load / stage / package.name).exists()
            for stage in (LoadStorage.NORMALIZED_FOLDER, LoadStorage.LOADED_FOLDER)
        )
        if is_handed_on or not all((package / part).exists() for part in PARTS):
            shutil.rmtree(package)


def packages(folder: Path) -> Iterator[Path]:
    return folder.glob("*/")
