{# Sources as relations: in DuckDB a view over each clean table's live files, in Snowflake loaded tables. #}

{% macro create_clean_views() %}
    {% if execute %}
        {{ return(adapter.dispatch('create_clean_views')()) }}
    {% endif %}
{% endmacro %}

{% macro default__create_clean_views() %}
    {# Loaded tables need no views. #}
{% endmacro %}

{% macro duckdb__create_clean_views() %}
    {% set files = clean_files(env_var('TRENDHOUSE_LAKE', env_var('TRENDHOUSE_ROOT', '..') ~ '/.trendhouse/current/lake')) %}
    {% set sources = graph.sources.values() | list %}
    {% for schema in sources | map(attribute='schema') | unique | sort %}
        {% do run_query('create schema if not exists ' ~ schema) %}
    {% endfor %}
    {% for source in sources %}
        {% do run_query(clean_view(source, files.get(source.schema ~ '.' ~ source.identifier, []))) %}
    {% endfor %}
    {% do run_query('create schema if not exists operations') %}
    {% do run_query(clean_versions(files)) %}
{% endmacro %}

{# The version of each clean table that the views read: publication asks whether that was checked. #}
{% macro clean_versions(files) %}
    {% set rows = [] %}
    {% for table, names in files.items() if names and not table.startswith('ledger.') %}
        {% set versions = [] %}
        {% for name in names %}
            {% do versions.append(name.split('/')[-1].split('-')[0] | int) %}
        {% endfor %}
        {% set parts = table.split('.') %}
        {% do rows.append("('" ~ parts[0] ~ "', '" ~ parts[1] ~ "', " ~ (versions | max) ~ ")") %}
    {% endfor %}
    create or replace table operations.clean_versions as
    select * from (values {{ (rows or ["('', '', 0)"]) | join(', ') }}) as known (source_name, table_name, version)
{% endmacro %}

{# Per `source.table` the absolute paths of its live files; the ledger's are gathered from all manifests. #}
{% macro clean_files(lake) %}
    {% set files = {} %}
    {% set pattern = lake ~ '/clean/*/*/_manifest.json' %}
    {% set found = run_query("select file from glob('" ~ quoted(pattern) ~ "')") %}
    {% if found.rows | length > 0 %}
        {% set manifests = run_query(
            "select filename, content ->> '$.files', content ->> '$.ledger' from read_text('" ~ quoted(pattern) ~ "')"
        ) %}
        {% for manifest in manifests.rows %}
            {% set folder = manifest[0][:-('/_manifest.json' | length)] %}
            {% set parts = folder.split('/') %}
            {% do files.update({parts[-2] ~ '.' ~ parts[-1]: below(folder, fromjson(manifest[1]))}) %}
            {% for name, ledger in (fromjson(manifest[2] or '{}') or {}).items() %}
                {% do files.setdefault('ledger.' ~ name, []).extend(below(folder, ledger)) %}
            {% endfor %}
        {% endfor %}
    {% endif %}
    {{ return(files) }}
{% endmacro %}

{% macro below(folder, names) %}
    {% set paths = [] %}
    {% for name in names %}
        {% do paths.append(folder ~ '/' ~ name) %}
    {% endfor %}
    {{ return(paths) }}
{% endmacro %}

{# The declared columns in their declared types; a column that no file has yet is null. #}
{% macro clean_view(source, files) %}
    create or replace view {{ source.schema }}.{{ source.identifier }} as
    select
        {% for column in source.columns.values() -%}
        cast({{ column.name }} as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
        {% endfor %}
    from (
        select
            {% for column in source.columns.values() -%}
            cast(null as {{ column.data_type }}) as {{ column.name }}{{ ',' if not loop.last }}
            {% endfor %}
        where false
        {% if files %}
        union all by name
        select * from read_parquet(
            [{% for file in files %}'{{ quoted(file) }}'{{ ',' if not loop.last }}{% endfor %}],
            union_by_name = true,
            hive_partitioning = false
        )
        {% endif %}
    )
{% endmacro %}

{% macro quoted(text) %}{{ return(text | replace("'", "''")) }}{% endmacro %}
