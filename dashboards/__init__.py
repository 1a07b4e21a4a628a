"""Dashboards as code: marts and their contracts in, assets of Apache Superset out."""
