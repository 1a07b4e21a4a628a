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

{# A repository as REST describes it: its last state, and each observation. #}
{% macro repository_columns() -%}
    ---------- ids
    cast(id as {{ dbt.type_string() }}) as repository_id,
    node_id,
    cast(owner_id as {{ dbt.type_string() }}) as owner_id,
    license_spdx_id,
    cast(parent_id as {{ dbt.type_string() }}) as parent_id,
    load_id,

    ---------- strings
    full_name as repository_name,
    owner_login as owner_name,
    owner_type,
    description,
    homepage as homepage_url,
    html_url as url,
    language as language_name,
    license_key,
    default_branch,
    visibility,
    partition_name,
    source_url,

    ---------- numerics
    stargazers_count as star_count,
    forks_count as fork_count,
    subscribers_count as watcher_count,
    open_issues_count as open_issue_and_pull_request_count,
    network_count,
    size as size_kib,
    clean_version,

    ---------- booleans
    coalesce(fork, false) as is_fork,
    coalesce(archived, false) as is_archived,
    coalesce(disabled, false) as is_disabled,
    coalesce(is_template, false) as is_template,

    ---------- timestamps
    created_at,
    updated_at,
    pushed_at,
    collected_at,
    observed_at
{%- endmacro %}
