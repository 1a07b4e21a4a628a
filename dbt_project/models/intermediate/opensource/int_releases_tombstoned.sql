with

releases as (

    select * from {{ ref('stg_github__releases') }}

),

tombstones as (

    {{ tombstones_of('releases') }}

),

final as (

    select
        releases.*,
        tombstones.evidence as deleted_evidence,
        tombstones.clean_version as tombstone_version,
        {{ is_deleted() }} as is_deleted,
        greatest(releases.observed_at, coalesce(tombstones.observed_at, releases.observed_at)) as state_observed_at
    from releases
    left join tombstones
        on {{ object_key('releases', 'releases') }} = tombstones.object_key

)

select * from final
