with

releases as (

    select * from {{ ref('int_releases_versioned') }}

),

final as (

    select
        ---------- ids
        repository_id,
        release_id,

        ---------- strings
        product_name,
        version,
        source_name,
        release_kind,
        tag_name,
        release_name,
        body,
        link,
        author_login,
        deleted_evidence,
        version_key,

        ---------- numerics
        tag_count,
        stated_date_count,
        clean_version,

        ---------- booleans
        is_version,
        is_prerelease,
        is_draft,
        is_withdrawn,
        is_deleted,
        is_planned,

        ---------- dates
        released_date,
        released_date_seoul,

        ---------- timestamps
        released_at,
        withdrawn_at,
        observed_at,
        collected_at

    from releases

)

select * from final
