{# dbt's own test of a key of one column, which stops a build although other tests only warn. #}
{% test unique(model, column_name) %}
{{ config(severity='error') }}

{{ adapter.dispatch('test_unique', 'dbt')(model, column_name) }}

{% endtest %}
