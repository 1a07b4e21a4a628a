with

releases as (

    select * from {{ ref('stg_github__releases') }}

),

tags as (

    select *
    from {{ ref('tags') }}
    where not has_release

),

tombstones as (

    select *
    from {{ ref('stg_github__tombstones') }}
    where object_type = 'releases'

),

products as (

    select * from {{ ref('int_products_listed') }}

),

repositories as (

    select * from {{ ref('stg_github__repositories') }}

),

release_dates as (

    select * from {{ ref('stg_endoflife__release_dates') }}

),

release_date_history as (

    select * from {{ ref('stg_endoflife__release_date_history') }}

),

on_github as (

    select
        releases.repository_id,
        releases.release_id,
        releases.tag_name,
        releases.release_name,
        releases.body,
        releases.url,
        releases.author_login,
        'release' as release_kind,
        tombstones.evidence as deleted_evidence,
        greatest(releases.clean_version, coalesce(tombstones.clean_version, -1)) as clean_version,
        releases.is_prerelease,
        releases.is_draft,
        coalesce(tombstones.is_deleted, false) as is_deleted,
        releases.published_at as released_at,
        releases.observed_at,
        releases.collected_at
    from releases
    left join tombstones
        on releases.release_id = tombstones.object_key

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
        committed_at as released_at,
        observed_at,
        collected_at
    from tags

),

newest_snapshots as (

    select
        product_id,
        max(observed_at) as observed_at
    from release_date_history
    group by product_id

),

last_stated as (

    select
        release_date_history.product_id,
        release_date_history.version,
        max(release_date_history.observed_at) < max(newest_snapshots.observed_at) as is_withdrawn,
        count(distinct release_date_history.released_date) as stated_date_count
    from release_date_history
    inner join newest_snapshots
        on release_date_history.product_id = newest_snapshots.product_id
    group by release_date_history.product_id, release_date_history.version

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
        cast(on_github.released_at as date) as released_date,
        {{ calendar_date('on_github.released_at', 'Asia/Seoul') }} as released_date_seoul,
        on_github.released_at,
        on_github.observed_at,
        on_github.collected_at
    from on_github
    left join products
        on on_github.repository_id = products.repository_id
    left join repositories
        on on_github.repository_id = repositories.repository_id

    union all

    select
        coalesce(release_dates.product_name, release_dates.product_id) as product_name,
        'endoflife' as source_name,
        'statement' as release_kind,
        null as repository_id,
        null as release_id,
        null as tag_name,
        lower(trim(release_dates.version)) as version,
        null as release_name,
        null as body,
        'https://endoflife.date/' || release_dates.product_id as link,
        null as author_login,
        null as deleted_evidence,
        coalesce(last_stated.stated_date_count, 1) as stated_date_count,
        release_dates.clean_version,
        false as is_prerelease,
        false as is_draft,
        coalesce(last_stated.is_withdrawn, false) as is_withdrawn,
        false as is_deleted,
        release_dates.released_date,
        release_dates.released_date as released_date_seoul,
        cast(null as timestamp) as released_at,
        release_dates.observed_at,
        release_dates.collected_at
    from release_dates
    left join last_stated
        on
            release_dates.product_id = last_stated.product_id
            and release_dates.version = last_stated.version

)

select * from final
