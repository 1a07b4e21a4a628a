{# Columns that identify a person (`meta: {personal: true}`) are masked for whoever may not see persons:
   after each build of a mart, since a table that is made anew has no policies. #}
{% macro mask_personal_columns() %}
    {{- adapter.dispatch('mask_personal_columns')() -}}
{% endmacro %}

{% macro default__mask_personal_columns() %}
    {# DuckDB's readers see files; they are masked by whoever hands them out. #}
{% endmacro %}

{% macro snowflake__mask_personal_columns() %}
    {% set policy = target.database ~ '.governance.mask_personal' %}
    {% for column in model.columns.values() if (column.config.meta or {}).get('personal') %}
        {{ "alter table " ~ this ~ " modify" if loop.first else "," }}
        column {{ column.name }} set masking policy {{ policy }} force
    {% endfor %}
{% endmacro %}
