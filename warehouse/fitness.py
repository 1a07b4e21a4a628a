"""What may be published: marts whose suites hold on this very state, built from clean tables that were checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb

from trendhouse.declared.sources import landed_specs
from trendhouse.errors import RefusedError
from trendhouse.settings import Place
from trendhouse.verdicts import CLEAN, Verdicts, marts_path, newest_version, state_of

# Which version of each clean table a build reads: dbt writes it as it makes its views of the clean lake.
CLEAN_VERSIONS = "operations.clean_versions"
Versions = dict[tuple[str, str], int]


class PublicationBlocked(RefusedError):
    """The marts are not fit for readers; the message says why and what to do. What was published stays."""


def require_verdicts(place: Place, domain: str) -> Verdicts:
    """The verdicts on the marts of a domain, which are about this very warehouse.

    Raises PublicationBlocked where they are not, or where a clean table that the warehouse was built
    from was not checked, or does not hold as a whole.
    """
    require_clean(place, domain, versions_built(place))
    verdicts = Verdicts(marts_path(place.warehouse, domain))
    refuse_unchecked(verdicts, domain, state_of(place.warehouse))
    return verdicts


def versions_built(place: Place) -> Versions:
    """The version of each clean table that the warehouse was last built from; empty if dbt never told."""
    with duckdb.connect(str(place.warehouse), read_only=True) as connection:
        try:
            found = connection.execute(f"select * from {CLEAN_VERSIONS}").fetchall()
        except duckdb.CatalogException:
            return {}
    return {(source, table): version for source, table, version in found}


def require_clean(place: Place, domain: str, built: Versions) -> None:
    """Raises PublicationBlocked if a clean table of the domain's sources does not hold, or was last
    checked in an older version than `built` has. That a newer one was checked meanwhile does no harm."""
    for spec in landed_specs():
        if spec.domain != domain:
            continue
        verdicts = Verdicts(place.lake.clean / spec.name / CLEAN)
        if failed := verdicts.failed:
            raise PublicationBlocked(
                f"Expectations of the clean lake do not hold: {', '.join(failed)}. What single rows "
                "break is in quarantine, so this is a fault of the deduplication itself: report it. "
                "Mended, `trendhouse check clean`. The published state stays as it was."
            )
        unchecked = [
            f"{spec.name}.{table}"
            for table in spec.tables
            if newest_version(verdicts.files(table)) < built.get((spec.name, table), 0)
        ]
        if unchecked:
            raise PublicationBlocked(
                f"The warehouse was built from clean tables that have not been checked since they "
                f"changed: {', '.join(unchecked)}. Check them: `trendhouse check clean`. "
                "The published state stays as it was."
            )


def refuse_unchecked(verdicts: Verdicts, domain: str, state: Any) -> None:
    """Raises PublicationBlocked unless the verdicts are about this very state."""
    if verdicts.about != state:
        raise PublicationBlocked(
            f"The marts of `{domain}` have not been checked since they were built. "
            "Check them: `trendhouse check marts`. The published state stays as it was."
        )


def fit(marts: Iterable[str], verdicts: Verdicts) -> list[str]:
    """The marts that may be published. Raises PublicationBlocked if there is none."""
    names = [name for name in marts if name not in verdicts.refused]
    if not names:
        raise PublicationBlocked(
            f"Expectations of the marts do not hold: {', '.join(verdicts.failed)}. "
            "The published state stays as it was."
        )
    return names


def refusals(verdicts: Verdicts, published: Iterable[str]) -> list[str]:
    """Each mart that is not published, and what readers have of it."""
    known = set(published)
    return [
        f"mart {mart} is not published, "
        f"{'readers keep its last version' if mart in known else 'readers have none yet'}: "
        f"{len(lines)} of its promises do not hold, `trendhouse check marts` names them"
        for mart, lines in sorted(verdicts.refused.items())
    ]
