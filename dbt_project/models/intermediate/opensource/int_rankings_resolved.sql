with

rankings as (

    select * from {{ ref('stg_github_ranking__rankings') }}

),

repository_names as (

    select * from {{ ref('int_repository_names_versioned') }}

),

named as (

    select
        *,
        -- An address that holds no name stands for one, so that its line is listed as unresolved.
        coalesce(
            nullif({{ extract_match('url', 'github[.]com/([^/?#]+/[^/?#]+)', 1) }}, ''),
            owner_name || '/' || short_name,
            url
        ) as repository_name
    from rankings

),

names as (

    select distinct
        lower(repository_name) as name_key,
        repository_id,
        valid_from,
        valid_to,
        interval_version
    from repository_names

),

matched as (

    select
        named.ranking_date,
        named.list_name,
        named.list_rank,
        max(named.repository_name) as repository_name,
        max(named.star_count) as star_count,
        max(named.fork_count) as fork_count,
        max(named.open_issue_and_pull_request_count) as open_issue_and_pull_request_count,
        max(named.clean_version) as line_version,
        max(greatest(named.clean_version, coalesce(names.interval_version, -1))) as clean_version,
        count(names.name_key) as known_count,
        count(
            distinct case
                when
                    names.valid_from < {{ dbt.dateadd('day', 1, 'cast(named.ranking_date as timestamp)') }}
                    and coalesce(names.valid_to > named.ranking_date, true)
                    then names.repository_id
            end
        ) as holder_count,
        max(
            case
                when
                    names.valid_from < {{ dbt.dateadd('day', 1, 'cast(named.ranking_date as timestamp)') }}
                    and coalesce(names.valid_to > named.ranking_date, true)
                    then names.repository_id
            end
        ) as holder_id
    from named
    left join names
        on lower(named.repository_name) = names.name_key
    group by named.ranking_date, named.list_name, named.list_rank

),

final as (

    select
        ---------- ids
        case when holder_count = 1 then holder_id end as repository_id,

        ---------- strings
        repository_name,
        lower(repository_name) as name_key,
        list_name,
        case
            when holder_count = 1 then null
            when holder_count > 1 then 'ambiguous name'
            when known_count > 0 then 'name of no known repository on that day'
            else 'unknown name'
        end as reason,

        ---------- numerics
        list_rank,
        star_count,
        fork_count,
        open_issue_and_pull_request_count,
        line_version,
        clean_version,

        ---------- dates
        ranking_date,

        ---------- timestamps
        {{ dbt.dateadd('second', 86399, 'cast(ranking_date as timestamp)') }} as observed_at

    from matched

)

select * from final
