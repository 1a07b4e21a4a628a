{# What upstream no longer has: one way to read tombstones for every model whose rows may be deleted. #}

{# The tombstones of a clean table's objects, for a CTE `tombstones`. #}
{% macro tombstones_of(object_type) -%}
    select *
    from {{ ref('stg_github__tombstones') }}
    where object_type = '{{ object_type }}'
{%- endmacro %}

{# The key by which a tombstone names a row, of `relation` if that is named. #}
{% macro object_key(object_type, relation='') %}
    {% set columns = {
        'commits': ['repository_id', 'commit_id'],
        'contributors': ['repository_id', 'contributor_key'],
        'forks': ['fork_id'],
        'issues': ['issue_id'],
        'projects': ['repository_id', 'node_id'],
        'pull_requests': ['pull_request_id'],
        'releases': ['release_id'],
        'repositories': ['repository_id'],
        'repository_licenses': ['repository_id'],
        'tags': ['repository_id', 'tag_name'],
    }[object_type] %}
    {% set start = relation ~ '.' if relation else '' %}
    {{ return(start ~ columns | join(" || '/' || " ~ start)) }}
{% endmacro %}

{# Whether the row that is joined to `tombstones` is gone; what was said to be back is not. #}
{% macro is_deleted() %}coalesce(tombstones.is_deleted, false){% endmacro %}

{# When it was first found missing, UTC. #}
{% macro deleted_at() %}case when tombstones.is_deleted then tombstones.observed_at end{% endmacro %}

{# The run that last changed the row of `relation` or what is said of its deletion. #}
{% macro version_with_deletion(relation) %}
    {{- 'greatest(' ~ relation ~ '.clean_version, coalesce(tombstones.clean_version, -1))' -}}
{% endmacro %}

{# Row filter of an incremental model: what changed since `version`, and what was said to be deleted or
   back since then. #}
{% macro changed_or_deleted(object_type, version) %}
    {{ return(changed_or_named(
        version, object_key(object_type), 'object_key',
        ref('stg_github__tombstones'), "named_rows.object_type = '" ~ object_type ~ "'"
    )) }}
{% endmacro %}
