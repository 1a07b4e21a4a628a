{# The columns together are a key: no two rows agree in all of them. #}
{% test is_key(model, columns) %}
{{ config(severity='error') }}

select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1

{% endtest %}
