with

projects as (

    select * from {{ ref('stg_github__projects') }}

),

tombstones as (

    {{ tombstones_of('projects') }}

),

final as (

    select
        ---------- ids
        projects.repository_id,
        projects.node_id,
        projects.project_id,

        ---------- strings
        projects.project_name,
        projects.short_description,
        projects.body,
        projects.url,
        case when projects.is_closed then 'closed' else 'open' end as state,

        ---------- numerics
        projects.project_number,
        {{ version_with_deletion('projects') }} as clean_version,

        ---------- booleans
        projects.is_closed,
        {{ is_deleted() }} as is_deleted,

        ---------- timestamps
        projects.created_at,
        projects.updated_at,
        projects.closed_at,
        {{ deleted_at() }} as deleted_at,
        projects.observed_at,
        projects.collected_at

    from projects

    left join tombstones
        on {{ object_key('projects', 'projects') }} = tombstones.object_key

)

select * from final
