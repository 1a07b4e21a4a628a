{# Regular expressions, which the two warehouses spell differently. Patterns avoid backslashes. #}

{# Group `group` of the first match of `pattern`; an empty string without a match. #}
{% macro extract_match(text, pattern, group=0) %}
    {{- adapter.dispatch('extract_match')(text, pattern, group) -}}
{% endmacro %}

{% macro duckdb__extract_match(text, pattern, group) -%}
    coalesce(regexp_extract({{ text }}, '{{ pattern }}', {{ group }}), '')
{%- endmacro %}

{% macro snowflake__extract_match(text, pattern, group) -%}
    coalesce(regexp_substr({{ text }}, '{{ pattern }}'{{ ", 1, 1, 'e', " ~ group if group }}), '')
{%- endmacro %}

{# Whether the whole text matches `pattern`. #}
{% macro is_match(text, pattern) %}
    {{- adapter.dispatch('is_match')(text, pattern) -}}
{% endmacro %}

{% macro duckdb__is_match(text, pattern) -%}
    regexp_full_match({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro snowflake__is_match(text, pattern) -%}
    regexp_like({{ text }}, '{{ pattern }}')
{%- endmacro %}
