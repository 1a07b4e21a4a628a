{% set version = last_version() %}

with

forks as (

    select *
    from {{ ref('stg_github__forks') }}
    where
        {{ changed_or_deleted('forks', 'fork_id', version) }}

),

tombstones as (

    select *
    from {{ ref('stg_github__tombstones') }}
    where object_type = 'forks'

),

final as (

    select
        ---------- ids
        forks.fork_id,
        forks.repository_id,
        forks.owner_id,

        ---------- strings
        forks.fork_name,
        forks.owner_name,
        forks.url,
        tombstones.evidence as deleted_evidence,

        ---------- numerics
        forks.star_count,
        greatest(forks.clean_version, coalesce(tombstones.clean_version, -1)) as clean_version,

        ---------- booleans
        coalesce(tombstones.is_deleted, false) as is_deleted,

        ---------- dates
        cast(forks.created_at as date) as created_date,

        ---------- timestamps
        forks.created_at,
        forks.updated_at,
        forks.pushed_at,
        case when tombstones.is_deleted then tombstones.observed_at end as deleted_at,
        forks.observed_at,
        forks.collected_at

    from forks

    left join tombstones
        on forks.fork_id = tombstones.object_key

)

select * from final
