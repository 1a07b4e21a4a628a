"""What the clean lake promises dbt about the daily rankings: what the source declares."""

from expectations.promises import declared_suites
from trendhouse.declared.sources import load_spec

SUITES = declared_suites(load_spec("github_ranking"))
