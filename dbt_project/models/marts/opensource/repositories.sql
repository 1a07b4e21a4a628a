with

repositories as (

    select * from {{ ref('stg_github__repositories') }}

),

counters as (

    select * from {{ ref('int_repository_counters_latest') }}

),

listed as (

    select
        *,
        max(observed_at) over (partition by entry_kind, entry_target) as listed_at
    from {{ ref('stg_github__watchlist') }}

),

-- Each search has places of its own; who is no longer in its last answer has none.
placed as (

    select
        *,
        case
            when entry_kind = 'search' and is_enabled and observed_at = listed_at then list_rank
        end as standing_rank
    from listed

),

ranked as (

    select
        *,
        row_number() over (
            partition by repository_id
            order by standing_rank asc nulls last, entry_target, product_name
        ) as best_place
    from placed

),

watchlist as (

    select
        repository_id,
        max(repository_name) as repository_name,
        max(node_id) as node_id,
        max(case when best_place = 1 and standing_rank is not null then entry_target end) as list_name,
        min(standing_rank) as list_rank,
        max(clean_version) as clean_version,
        max(observed_at) as observed_at,
        max(collected_at) as collected_at,
        max(case when is_enabled then 1 else 0 end) = 1 as is_watched
    from ranked
    group by repository_id

),

license_tombstones as (

    {{ tombstones_of('repository_licenses') }}

),

repository_licenses as (

    select
        licenses.*,
        coalesce(license_tombstones.is_deleted, false) as is_deleted,
        coalesce(license_tombstones.clean_version, -1) as tombstone_version
    from {{ ref('stg_github__repository_licenses') }} as licenses
    left join license_tombstones
        on {{ object_key('repository_licenses', 'licenses') }} = license_tombstones.object_key

),

tombstones as (

    {{ tombstones_of('repositories') }}

),

spine as (

    select repository_id from repositories

    union

    select repository_id from counters

    union

    select repository_id from watchlist

),

-- Two readings of one thing: the later one counts.
compared as (

    select
        spine.repository_id,
        coalesce(counters.observed_at >= repositories.observed_at, counters.repository_id is not null)
            as is_counter_newer,
        -- Only a whole answer says that there is no license: what git alone tells of a repository has no stars.
        not repository_licenses.is_deleted
        and not coalesce(
            repositories.star_count is not null and repositories.observed_at >= repository_licenses.observed_at, false
        ) as is_license_newer
    from spine
    left join repositories
        on spine.repository_id = repositories.repository_id
    left join counters
        on spine.repository_id = counters.repository_id
    left join repository_licenses
        on spine.repository_id = repository_licenses.repository_id

),

final as (

    select
        ---------- ids
        compared.repository_id,
        coalesce(repositories.node_id, counters.node_id, watchlist.node_id) as node_id,
        repositories.owner_id,
        repositories.parent_id,

        ---------- strings
        case
            when compared.is_counter_newer then counters.repository_name
            else coalesce(repositories.repository_name, watchlist.repository_name)
        end as repository_name,
        split_part(
            case
                when compared.is_counter_newer then counters.repository_name
                else coalesce(repositories.repository_name, watchlist.repository_name)
            end, '/', 1
        ) as owner_name,
        repositories.owner_type,
        repositories.description,
        repositories.homepage_url,
        repositories.url,
        repositories.language_name,
        {% for column, told in [('license_key', 'license_key'), ('license_spdx_id', 'spdx_id')] -%}
        case
            when compared.is_license_newer then coalesce(repository_licenses.{{ told }}, repositories.{{ column }})
            else repositories.{{ column }}
        end as {{ column }},
        {% endfor -%}
        {% for column in ['license_name', 'license_path'] -%}
        case
            when compared.is_license_newer or repository_licenses.license_key = repositories.license_key
                then repository_licenses.{{ column }}
        end as {{ column }},
        {% endfor -%}
        repositories.default_branch,
        repositories.visibility,
        watchlist.list_name,
        tombstones.evidence as deleted_evidence,

        ---------- numerics
        case when compared.is_counter_newer then counters.star_count else repositories.star_count end as star_count,
        case when compared.is_counter_newer then counters.fork_count else repositories.fork_count end as fork_count,
        case
            when compared.is_counter_newer then counters.watcher_count else repositories.watcher_count
        end as watcher_count,
        counters.issue_count,
        counters.open_issue_count,
        counters.pull_request_count,
        counters.open_pull_request_count,
        case
            when compared.is_counter_newer then counters.open_issue_count + counters.open_pull_request_count
            else repositories.open_issue_and_pull_request_count
        end as open_issue_and_pull_request_count,
        counters.release_count,
        counters.tag_count,
        counters.commit_count,
        repositories.network_count,
        repositories.size_kib,
        watchlist.list_rank,
        greatest(
            coalesce(repositories.clean_version, -1),
            coalesce(counters.clean_version, -1),
            coalesce(watchlist.clean_version, -1),
            coalesce(repository_licenses.clean_version, -1),
            coalesce(repository_licenses.tombstone_version, -1),
            coalesce(tombstones.clean_version, -1)
        ) as clean_version,

        ---------- booleans
        coalesce(repositories.is_fork, false) as is_fork,
        case
            when compared.is_counter_newer then counters.is_archived else coalesce(repositories.is_archived, false)
        end as is_archived,
        coalesce(repositories.is_disabled, false) as is_disabled,
        coalesce(repositories.is_template, false) as is_template,
        coalesce(watchlist.is_watched, false) as is_watched,
        {{ is_deleted() }} as is_deleted,

        ---------- timestamps
        repositories.created_at,
        repositories.updated_at,
        case when compared.is_counter_newer then counters.pushed_at else repositories.pushed_at end as pushed_at,
        {{ deleted_at() }} as deleted_at,
        case
            when tombstones.is_deleted then tombstones.observed_at
            when compared.is_counter_newer then counters.observed_at
            else coalesce(repositories.observed_at, watchlist.observed_at)
        end as observed_at,
        case
            when tombstones.is_deleted then tombstones.collected_at
            when compared.is_counter_newer then counters.collected_at
            else coalesce(repositories.collected_at, watchlist.collected_at)
        end as collected_at

    from compared

    left join repositories
        on compared.repository_id = repositories.repository_id

    left join counters
        on compared.repository_id = counters.repository_id

    left join watchlist
        on compared.repository_id = watchlist.repository_id

    left join repository_licenses
        on compared.repository_id = repository_licenses.repository_id

    left join tombstones
        on {{ object_key('repositories', 'compared') }} = tombstones.object_key

)

select * from final
