{# Incremental marts follow the change feed: every clean row carries the deduplication run that last
   changed it, so what is newer than the mart's newest row is all that has to be worked on. #}

{# The newest deduplication run that `this` holds; -1 for a full build. #}
{% macro last_version() %}
    {% if is_incremental() %}
        {% set known = run_query('select coalesce(max(clean_version), -1) from ' ~ this) %}
        {{ return(known.rows[0][0] | int) }}
    {% endif %}
    {{ return(-1) }}
{% endmacro %}

{# Row filter of an incremental model: what changed since `version`, and what a row of `relation` names that
   did: its column `named` has the rows' `key`. `condition` is about its rows, as `named_rows`. #}
{% macro changed_or_named(version, key, named, relation, condition='true') %}
    {% if not is_incremental() %}{{ return('true') }}{% endif %}
    {% set changed = 'clean_version > ' ~ version %}
    {% set said = relation ~ ' as named_rows where ' ~ condition ~ ' and named_rows.' ~ changed %}
    {# Where nothing is named the version alone decides, so that files and row groups are left unread. #}
    {% if run_query('select count(*) from ' ~ said).rows[0][0] == 0 %}{{ return(changed) }}{% endif %}
    {{ return('(' ~ changed ~ ' or ' ~ key ~ ' in (select named_rows.' ~ named ~ ' from ' ~ said ~ '))') }}
{% endmacro %}

{# First and last moment (as SQL literals) among `moment` of the rows of `relation` for which `changed` holds.
   The limits stand in the query as constants, so that files and row groups outside of them are never read. #}
{% macro changed_range(relation, moment, changed) %}
    {% set limits = run_query(
        'select min(' ~ moment ~ '), max(' ~ moment ~ ') from ' ~ relation ~ ' where ' ~ changed
    ).rows[0] %}
    {% if limits[0] is none %}
        {{ return({'first': "cast('9999-12-31' as timestamp)", 'last': "cast('0001-01-01' as timestamp)"}) }}
    {% endif %}
    {{ return({
        'first': "cast('" ~ limits[0] ~ "' as timestamp)",
        'last': "cast('" ~ limits[1] ~ "' as timestamp)",
    }) }}
{% endmacro %}

{# Incremental strategy `changed_keys`: the keys that arrive are replaced; a row that arrives with null
   in the column `meta.alive` says that its key is gone, and is not written. #}
{% macro get_incremental_changed_keys_sql(arguments) %}
    {{ return(adapter.dispatch('get_incremental_changed_keys_sql')(arguments)) }}
{% endmacro %}

{% macro alive_column() %}
    {{ return((config.get('meta') or {}).get('alive') or key_columns(config.require('unique_key'))[0]) }}
{% endmacro %}

{% macro key_columns(unique_key) %}
    {{ return([unique_key] if unique_key is string else unique_key) }}
{% endmacro %}

{% macro duckdb__get_incremental_changed_keys_sql(arguments) %}
    {% set columns = get_quoted_csv(arguments.dest_columns | map(attribute='name')) %}
    delete from {{ arguments.target_relation }} as target
    using {{ arguments.temp_relation }} as changed
    where
        {% for column in key_columns(arguments.unique_key) -%}
        {{ 'and ' if not loop.first }}target.{{ column }} is not distinct from changed.{{ column }}
        {% endfor %};

    insert into {{ arguments.target_relation }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }} where {{ alive_column() }} is not null
{% endmacro %}

{% macro snowflake__get_incremental_changed_keys_sql(arguments) %}
    {% set names = arguments.dest_columns | map(attribute='name') | list %}
    merge into {{ arguments.target_relation }} as target
    using {{ arguments.temp_relation }} as changed
    on
        {% for column in key_columns(arguments.unique_key) -%}
        {{ 'and ' if not loop.first }}target.{{ column }} is not distinct from changed.{{ column }}
        {% endfor %}
    when matched and changed.{{ alive_column() }} is null then delete
    when matched then update set
        {% for name in names -%}
        {{ name }} = changed.{{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    when not matched and changed.{{ alive_column() }} is not null then insert
        ({{ names | join(', ') }})
    values
        ({% for name in names %}changed.{{ name }}{{ ', ' if not loop.last }}{% endfor %})
{% endmacro %}
