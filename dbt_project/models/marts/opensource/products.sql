with

releases as (

    select * from {{ ref('releases') }}

),

listed as (

    select * from {{ ref('int_products_listed') }}

),

release_cycles as (

    select * from {{ ref('release_cycles') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by product_name
            order by
                is_prerelease,
                version_key desc nulls last,
                case release_kind when 'release' then 1 when 'statement' then 2 else 3 end,
                version,
                source_name
        ) as product_rank,
        row_number() over (
            partition by product_name, source_name
            order by is_prerelease, version_key desc nulls last, version
        ) as source_rank
    from releases
    where is_version and not is_withdrawn and not is_deleted and not is_draft and not is_planned

),

names as (

    select
        product_name,
        max(repository_id) as repository_id,
        count(distinct repository_id) as repository_count
    from listed
    group by product_name

    union

    select
        releases.product_name,
        null as repository_id,
        0 as repository_count
    from releases
    where releases.product_name not in (select listed.product_name from listed)

),

by_source as (

    select
        product_name,
        max(case when source_name = 'github' then version end) as github_latest_version,
        max(case when source_name = 'github' then released_date end) as github_latest_released_date,
        max(case when source_name = 'endoflife' then version end) as endoflife_latest_version,
        max(case when source_name = 'endoflife' then released_date end) as endoflife_latest_released_date,
        count(distinct version_key) > 1 or count(distinct released_date) > 1 as has_dissent
    from ranked
    where source_rank = 1
    group by product_name

),

-- What a product's page lists: each version once, whatever number of sources know it.
counted as (

    select
        product_name,
        count(
            distinct case
                when
                    (is_version or release_kind = 'release')
                    and not is_withdrawn and not is_deleted and not is_draft and not is_planned
                    then version
            end
        ) as release_count,
        max(clean_version) as clean_version,
        min(case when is_withdrawn then 1 else 0 end) = 1 as is_withdrawn,
        max(withdrawn_at) as withdrawn_at
    from releases
    group by product_name

),

latest as (

    select *
    from ranked
    where product_rank = 1

),

-- The longest cycle name that begins the version: `3.12` before `3` for `3.12.1`.
cycles as (

    select
        latest.product_name,
        release_cycles.cycle_name,
        release_cycles.is_ended,
        release_cycles.support_end_date,
        release_cycles.end_of_life_date,
        release_cycles.extended_support_end_date,
        row_number() over (
            partition by latest.product_name
            order by
                length(release_cycles.cycle_name) desc nulls last, release_cycles.product_id, release_cycles.cycle_name
        ) as cycle_rank
    from latest
    inner join release_cycles
        on
            latest.product_name = release_cycles.product_name
            and not release_cycles.is_withdrawn
            and (
                latest.version = lower(release_cycles.cycle_name)
                or latest.version like lower(release_cycles.cycle_name) || '.%'
            )

),

final as (

    select
        ---------- ids
        coalesce(latest.repository_id, names.repository_id) as repository_id,

        ---------- strings
        names.product_name,
        latest.version as latest_version,
        latest.source_name as latest_source_name,
        latest.release_kind as latest_release_kind,
        latest.link as latest_link,
        by_source.github_latest_version,
        by_source.endoflife_latest_version,
        cycles.cycle_name as latest_cycle_name,

        ---------- numerics
        names.repository_count,
        coalesce(counted.release_count, 0) as release_count,
        coalesce(counted.clean_version, -1) as clean_version,

        ---------- booleans
        coalesce(latest.is_prerelease, false) as is_latest_prerelease,
        coalesce(by_source.has_dissent, false) as has_dissent,
        cycles.is_ended,
        coalesce(counted.is_withdrawn, false) as is_withdrawn,

        ---------- dates
        latest.released_date as latest_released_date,
        latest.released_date_seoul as latest_released_date_seoul,
        by_source.github_latest_released_date,
        by_source.endoflife_latest_released_date,
        cycles.support_end_date,
        cycles.end_of_life_date,
        cycles.extended_support_end_date,

        ---------- timestamps
        latest.released_at as latest_released_at,
        case when counted.is_withdrawn then counted.withdrawn_at end as withdrawn_at

    from names

    left join latest
        on names.product_name = latest.product_name

    left join by_source
        on names.product_name = by_source.product_name

    left join counted
        on names.product_name = counted.product_name

    left join cycles
        on
            names.product_name = cycles.product_name
            and cycles.cycle_rank = 1

)

select * from final
