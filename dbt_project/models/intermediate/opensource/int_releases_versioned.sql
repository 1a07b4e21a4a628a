with

releases as (

    select * from {{ ref('int_releases_unified') }}

),

-- One version may have several tags (`1.0` and `v1.0`): the release itself comes first, unless it is deleted
-- or a draft, for its tag still stands.
ranked as (

    select
        *,
        row_number() over (
            partition by product_name, version, source_name
            order by
                is_deleted,
                is_withdrawn,
                is_draft,
                case release_kind when 'release' then 0 else 1 end,
                released_date desc nulls last,
                released_at desc nulls last,
                tag_name,
                repository_id,
                release_id,
                link
        ) as version_rank,
        count(*) over (partition by product_name, version, source_name) as tag_count
    from releases

),

judged as (

    select
        *,
        {{ is_version('version') }} as is_version,
        {{ version_sort_key('version') }} as version_key,
        {{ is_prerelease_version('version') }} as is_prerelease_version
    from ranked
    where version_rank = 1

),

final as (

    select
        product_name,
        version,
        source_name,
        release_kind,
        repository_id,
        release_id,
        tag_name,
        release_name,
        body,
        link,
        author_login,
        deleted_evidence,
        version_key,
        tag_count,
        stated_date_count,
        clean_version,
        is_version,
        is_prerelease or (is_version and is_prerelease_version) as is_prerelease,
        is_draft,
        is_withdrawn,
        is_deleted,
        is_planned,
        released_date,
        released_date_seoul,
        released_at,
        withdrawn_at,
        observed_at,
        collected_at
    from judged

)

select * from final
