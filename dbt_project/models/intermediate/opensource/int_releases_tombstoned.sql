with

releases as (

    select * from {{ ref('stg_github__releases') }}

),

tombstones as (

    select *
    from {{ ref('stg_github__tombstones') }}
    where object_type = 'releases'

),

final as (

    select
        releases.*,
        tombstones.evidence as deleted_evidence,
        tombstones.clean_version as tombstone_version,
        coalesce(tombstones.is_deleted, false) as is_deleted,
        greatest(releases.observed_at, coalesce(tombstones.observed_at, releases.observed_at)) as state_observed_at
    from releases
    left join tombstones
        on releases.release_id = tombstones.object_key

)

select * from final
