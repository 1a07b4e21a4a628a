{# The two calendars in which days are cut. #}
{% macro calendars() %}{{ return(['UTC', 'Asia/Seoul']) }}{% endmacro %}

{# The calendar day that holds a UTC timestamp. #}
{% macro calendar_date(moment, calendar) %}
    {{- adapter.dispatch('calendar_date')(moment, calendar) -}}
{% endmacro %}

{% macro duckdb__calendar_date(moment, calendar) -%}
    {%- if calendar == 'UTC' -%}
    cast({{ moment }} as date)
    {%- else -%}
    cast(timezone('{{ calendar }}', timezone('UTC', {{ moment }})) as date)
    {%- endif -%}
{%- endmacro %}

{% macro snowflake__calendar_date(moment, calendar) -%}
    cast(convert_timezone('UTC', '{{ calendar }}', {{ moment }}) as date)
{%- endmacro %}
