{# Columns of clean tables that have one shape, renamed for staging; each list stands in a select alone. #}

{# What every source's readings say of what upstream expects. #}
{% macro reading_columns() -%}
    ---------- ids
    load_id,

    ---------- strings
    stream_name,
    partition_name_read as partition_name,
    method,
    source_url,

    ---------- numerics
    expected_count,
    clean_version,

    ---------- timestamps
    collected_at,
    observed_at
{%- endmacro %}

{# A stated release date: the last one of a version, and each one in its history. #}
{% macro release_date_columns() -%}
    ---------- ids
    product as product_id,
    load_id,

    ---------- strings
    product_name,
    version,
    file_format,
    partition_name,
    source_url,

    ---------- numerics
    clean_version,

    ---------- dates
    released_on as released_date,

    ---------- timestamps
    collected_at,
    observed_at
{%- endmacro %}
