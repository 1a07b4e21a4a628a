{% set version = last_version() %}

with

forks as (

    select *
    from {{ ref('stg_github__forks') }}
    where
        {{ changed_or_deleted('forks', version) }}

),

tombstones as (

    {{ tombstones_of('forks') }}

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
        {{ version_with_deletion('forks') }} as clean_version,

        ---------- booleans
        {{ is_deleted() }} as is_deleted,

        ---------- dates
        cast(forks.created_at as date) as created_date,

        ---------- timestamps
        forks.created_at,
        forks.updated_at,
        forks.pushed_at,
        {{ deleted_at() }} as deleted_at,
        forks.observed_at,
        forks.collected_at

    from forks

    left join tombstones
        on {{ object_key('forks', 'forks') }} = tombstones.object_key

)

select * from final
