{# Hours from one moment to a later one; null where the later one comes first (an issue that was imported
   with the time of its closing is closed before it was opened), since no such time has passed. #}
{% macro hours_between(first, last) -%}
    case
        when {{ last }} >= {{ first }} then cast({{ dbt.datediff(first, last, 'second') }} as double) / 3600
    end
{%- endmacro %}
