"""What the DAGs hand to each other: an asset per clean source and per published domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Asset, AssetAlias


def clean_lake(source: str) -> Asset:
    """The clean tables of a source, deduplicated and checked."""
    from airflow.sdk import Asset

    return Asset(name=f"clean_{source}", uri=f"trendhouse://clean/{source}", group="clean")


def marts(domain: str) -> Asset:
    """The published marts of a domain."""
    from airflow.sdk import Asset

    return Asset(name=f"marts_{domain}", uri=f"trendhouse://marts/{domain}", group="marts")


def backfilled() -> AssetAlias:
    """Stands for the clean source that a back-fill turns out to have been of."""
    from airflow.sdk import AssetAlias

    return AssetAlias(name="clean_backfilled", group="clean")
