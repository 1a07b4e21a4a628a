{# Items of an array that stands as JSON text; null for null. #}
{% macro json_length(text) %}
    {{- adapter.dispatch('json_length')(text) -}}
{% endmacro %}

{% macro duckdb__json_length(text) -%}
    json_array_length({{ text }})
{%- endmacro %}

{% macro snowflake__json_length(text) -%}
    array_size(parse_json({{ text }}))
{%- endmacro %}
