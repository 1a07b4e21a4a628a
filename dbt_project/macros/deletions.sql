{# Row filter of an incremental mart over a clean table whose rows may be deleted upstream: what changed
   since `version`, and what was said to be deleted or back since then. `key` is the object's key. #}
{% macro changed_or_deleted(object_type, key, version) %}
    {% if not is_incremental() %}{{ return('true') }}{% endif %}
    {% set gone = run_query(
        "select object_key from " ~ ref('stg_github__tombstones')
        ~ " where object_type = '" ~ object_type ~ "' and clean_version > " ~ version
    ).columns[0].values() %}
    {% set filter = 'clean_version > ' ~ version %}
    {% if gone | length > 0 %}
        {% set filter = filter ~ " or " ~ key ~ " in ('" ~ gone | join("', '") ~ "')" %}
    {% endif %}
    {{ return('(' ~ filter ~ ')') }}
{% endmacro %}
