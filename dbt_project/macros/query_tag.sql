{# Snowflake: every statement carries what it is for, so that credits can be told by model, run and DAG
   (`trendhouse cost`). dbt calls both macros around each model, seed, snapshot and test. #}

{% macro snowflake__set_query_tag() %}
    {% do run_query("alter session set query_tag = '" ~ quoted(query_tag()) ~ "'") %}
    {{ return(target.query_tag) }}
{% endmacro %}

{% macro snowflake__unset_query_tag(original_query_tag) %}
    {% do run_query("alter session set query_tag = '" ~ quoted(original_query_tag) ~ "'") %}
{% endmacro %}

{% macro query_tag() %}
    {{ return(tojson({
        'app': 'trendhouse',
        'model': model.name,
        'kind': model.resource_type | string,
        'run': env_var('TRENDHOUSE_RUN_ID', invocation_id),
        'dag': env_var('AIRFLOW_CTX_DAG_ID', ''),
    }, sort_keys=true)) }}
{% endmacro %}
