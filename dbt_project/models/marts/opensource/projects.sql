with

projects as (

    select * from {{ ref('stg_github__projects') }}

),

tombstones as (

    select *
    from {{ ref('stg_github__tombstones') }}
    where object_type = 'projects'

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
        greatest(projects.clean_version, coalesce(tombstones.clean_version, -1)) as clean_version,

        ---------- booleans
        projects.is_closed,
        coalesce(tombstones.is_deleted, false) as is_deleted,

        ---------- timestamps
        projects.created_at,
        projects.updated_at,
        projects.closed_at,
        case when tombstones.is_deleted then tombstones.observed_at end as deleted_at,
        projects.observed_at,
        projects.collected_at

    from projects

    left join tombstones
        on projects.repository_id || '/' || projects.node_id = tombstones.object_key

)

select * from final
