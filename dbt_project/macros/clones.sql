{# Snowflake: a zero-copy clone of the whole database for a pull request, and its end.
   `dbt run-operation clone_database --args '{name: trendhouse_pr_42}'` #}

{% macro clone_database(name) %}
    {% do run_query("create or replace transient database " ~ clone_name(name) ~ " clone " ~ target.database) %}
{% endmacro %}

{% macro drop_clone(name) %}
    {% do run_query("drop database if exists " ~ clone_name(name)) %}
{% endmacro %}

{# The name, if it can be that of a clone: a slip must not replace or drop what people work with. #}
{% macro clone_name(name) %}
    {% if not modules.re.fullmatch(target.database ~ '_pr_[a-z0-9_]+', name) %}
        {{ exceptions.raise_compiler_error(name ~ " is no clone's name: give " ~ target.database ~ "_pr_<number>.") }}
    {% endif %}
    {{ return(name) }}
{% endmacro %}
