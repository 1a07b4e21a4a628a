{% set version = last_version() %}

with

pull_requests as (

    select *
    from {{ ref('stg_github__pull_requests') }}
    where
        {{ changed_or_deleted('pull_requests', version) }}

),

tombstones as (

    {{ tombstones_of('pull_requests') }}

),

bots as (

    select * from {{ ref('bots') }}

),

final as (

    select
        ---------- ids
        pull_requests.pull_request_id,
        pull_requests.repository_id,
        pull_requests.author_id,
        pull_requests.head_repository_id,

        ---------- strings
        pull_requests.title,
        pull_requests.author_login,
        pull_requests.author_type,
        pull_requests.author_association,
        pull_requests.state,
        pull_requests.labels_json,
        pull_requests.base_ref,
        pull_requests.head_ref,
        pull_requests.url,
        {{ bot_evidence('pull_requests.author_login', 'pull_requests.author_type') }} as bot_evidence,
        tombstones.evidence as deleted_evidence,

        ---------- numerics
        pull_requests.pull_request_number,
        {{ hours_between('pull_requests.created_at', 'pull_requests.merged_at') }} as merge_hours,
        {{ hours_between('pull_requests.created_at', 'pull_requests.closed_at') }} as open_hours,
        {{ version_with_deletion('pull_requests') }} as clean_version,

        ---------- booleans
        pull_requests.state = 'open' as is_open,
        pull_requests.is_draft,
        pull_requests.merged_at is not null as is_merged,
        {{ bot_evidence('pull_requests.author_login', 'pull_requests.author_type') }}
        is not null as is_bot,
        {{ is_deleted() }} as is_deleted,

        ---------- dates
        cast(pull_requests.created_at as date) as created_date,
        cast(pull_requests.closed_at as date) as closed_date,
        cast(pull_requests.merged_at as date) as merged_date,

        ---------- timestamps
        pull_requests.created_at,
        pull_requests.updated_at,
        pull_requests.closed_at,
        pull_requests.merged_at,
        {{ deleted_at() }} as deleted_at,
        pull_requests.observed_at,
        pull_requests.collected_at

    from pull_requests

    {{ join_bots('pull_requests.author_login', 'pull_requests.author_id') }}

    left join tombstones
        on {{ object_key('pull_requests', 'pull_requests') }} = tombstones.object_key

)

select * from final
