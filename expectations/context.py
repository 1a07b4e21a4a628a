"""The one Great Expectations context of a check: stores in memory, the last results and their pages on disk."""

from __future__ import annotations

import copy
import logging
import os
import shutil
import warnings
from datetime import UTC, datetime
from pathlib import Path

# Before the import: it would otherwise report usage to its maker.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import great_expectations as gx
    from great_expectations import ExpectationSuite, ValidationDefinition
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

from trendhouse.verdicts import results_of

SITE = "expectations"
RUN_NAME = "last"


class Checks:
    """Validates batches and keeps, per suite, the last result as a page of the Data Docs."""

    def __init__(self, data_docs: Path) -> None:
        logging.getLogger("great_expectations").setLevel(logging.ERROR)
        self.data_docs = data_docs
        self.results = results_of(data_docs)
        self.context = gx.get_context(mode="ephemeral", project_config=self.config())
        self.run_id = RunIdentifier(run_name=RUN_NAME, run_time=datetime.now(UTC))

    def config(self) -> DataContextConfig:
        defaults = InMemoryStoreBackendDefaults()
        defaults.stores[defaults.validation_results_store_name] = {
            "class_name": "ValidationResultsStore",
            "store_backend": on_disk(self.results),
        }
        defaults.data_docs_sites = {
            SITE: {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": on_disk(self.data_docs),
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            }
        }
        return DataContextConfig(
            store_backend_defaults=defaults,
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        )

    def define(self, batch_definition, suite: ExpectationSuite) -> ValidationDefinition:
        """Make a validation known; what was found for its suite before is forgotten."""
        for folder in (self.results, self.data_docs / "validations"):
            shutil.rmtree(folder.joinpath(*suite.name.split(".")), ignore_errors=True)
        promises = [copy.copy(each) for each in suite.expectations]
        added = self.context.suites.add(ExpectationSuite(name=suite.name, expectations=promises))
        return self.context.validation_definitions.add(
            ValidationDefinition(name=suite.name, data=batch_definition, suite=added)
        )

    def validate(self, validation: ValidationDefinition, parameters: dict | None = None):
        """The result; a broken promise is looked at a second time, for the values that break it."""
        result = validation.run(
            batch_parameters=parameters, result_format="BOOLEAN_ONLY", run_id=self.run_id
        )
        if not result.success:
            result = validation.run(
                batch_parameters=parameters, result_format="SUMMARY", run_id=self.run_id
            )
        return result

    def write_pages(self) -> None:
        self.context.build_data_docs()


def on_disk(folder: Path) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())}
