"""The warehouse: dbt, publication, and the way back, on DuckDB and on Snowflake."""
