"""Trendhouse on Snowflake: the way in, the loader, publication by swap, clones and costs."""
