with

licenses as (

    select * from {{ ref('stg_github__licenses') }}

),

repositories as (

    select * from {{ ref('repositories') }}

),

final as (

    select
        ---------- ids
        licenses.node_id,

        ---------- strings
        licenses.license_key,
        licenses.license_name,
        licenses.spdx_id,

        ---------- numerics
        count(repositories.repository_id) as repository_count,
        max(greatest(licenses.clean_version, coalesce(repositories.clean_version, -1))) as clean_version,

        ---------- timestamps
        licenses.observed_at,
        licenses.collected_at

    from licenses

    left join repositories
        on
            licenses.license_key = repositories.license_key
            and not repositories.is_deleted

    group by
        licenses.node_id,
        licenses.license_key,
        licenses.license_name,
        licenses.spdx_id,
        licenses.observed_at,
        licenses.collected_at

)

select * from final
