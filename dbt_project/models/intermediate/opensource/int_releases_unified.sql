with

releases as (

    select * from {{ ref('int_releases_tombstoned') }}

),

tags as (

    select *
    from {{ ref('tags') }}
    where not has_release

),

products as (

    select * from {{ ref('int_products_listed') }}

),

repositories as (

    select * from {{ ref('stg_github__repositories') }}

),

release_dates as (

    select * from {{ ref('int_release_dates_confirmed') }}

),

on_github as (

    select
        repository_id,
        release_id,
        tag_name,
        release_name,
        body,
        url,
        author_login,
        'release' as release_kind,
        deleted_evidence,
        greatest(clean_version, coalesce(tombstone_version, -1)) as clean_version,
        is_prerelease,
        is_draft,
        is_deleted,
        published_at as released_at,
        observed_at,
        collected_at
    from releases

    union all

    select
        repository_id,
        null as release_id,
        tag_name,
        null as release_name,
        null as body,
        null as url,
        null as author_login,
        'tag' as release_kind,
        null as deleted_evidence,
        clean_version,
        false as is_prerelease,
        false as is_draft,
        is_deleted,
        -- A clock that was wrong dates the commit, not the tag, which was there when it was seen.
        case when committed_at <= {{ dbt.dateadd('day', 1, 'observed_at') }} then committed_at end as released_at,
        observed_at,
        collected_at
    from tags

),

final as (

    select
        coalesce(products.product_name, 'repository ' || on_github.repository_id) as product_name,
        'github' as source_name,
        on_github.release_kind,
        on_github.repository_id,
        on_github.release_id,
        on_github.tag_name,
        {{ version_of_tag(
            'on_github.tag_name',
            "coalesce(products.product_name, '')",
            "coalesce(repositories.repository_name, '')",
        ) }} as version,
        on_github.release_name,
        on_github.body,
        coalesce(
            on_github.url,
            repositories.url || '/releases/tag/' || on_github.tag_name
        ) as link,
        on_github.author_login,
        on_github.deleted_evidence,
        cast(null as bigint) as stated_date_count,
        on_github.clean_version,
        on_github.is_prerelease,
        on_github.is_draft,
        false as is_withdrawn,
        on_github.is_deleted,
        false as is_planned,
        cast(on_github.released_at as date) as released_date,
        {{ calendar_date('on_github.released_at', 'Asia/Seoul') }} as released_date_seoul,
        on_github.released_at,
        cast(null as timestamp) as withdrawn_at,
        on_github.observed_at,
        on_github.collected_at
    from on_github
    left join products
        on on_github.repository_id = products.repository_id
    left join repositories
        on on_github.repository_id = repositories.repository_id

    union all

    select
        coalesce(product_name, product_id) as product_name,
        'endoflife' as source_name,
        'statement' as release_kind,
        null as repository_id,
        null as release_id,
        null as tag_name,
        lower(trim(version)) as version,
        null as release_name,
        null as body,
        'https://endoflife.date/' || product_id as link,
        null as author_login,
        null as deleted_evidence,
        stated_date_count,
        clean_version,
        false as is_prerelease,
        false as is_draft,
        is_withdrawn,
        false as is_deleted,
        is_planned,
        released_date,
        released_date as released_date_seoul,
        cast(null as timestamp) as released_at,
        withdrawn_at,
        observed_at,
        collected_at
    from release_dates

)

select * from final
