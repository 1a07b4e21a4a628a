{% set version = last_version() %}

with

issues as (

    select *
    from {{ ref('stg_github__issues') }}
    where
        pull_request_json is null
        and {{ changed_or_deleted('issues', version) }}

),

tombstones as (

    {{ tombstones_of('issues') }}

),

bots as (

    select * from {{ ref('bots') }}

),

final as (

    select
        ---------- ids
        issues.issue_id,
        issues.repository_id,
        issues.author_id,

        ---------- strings
        issues.title,
        issues.author_login,
        issues.author_type,
        issues.author_association,
        issues.state,
        issues.state_reason,
        issues.labels_json,
        issues.url,
        {{ bot_evidence('issues.author_login', 'issues.author_type') }} as bot_evidence,
        tombstones.evidence as deleted_evidence,

        ---------- numerics
        issues.issue_number,
        issues.comment_count,
        {{ hours_between('issues.created_at', 'issues.closed_at') }} as open_hours,
        {{ version_with_deletion('issues') }} as clean_version,

        ---------- booleans
        issues.state = 'open' as is_open,
        issues.is_locked,
        {{ bot_evidence('issues.author_login', 'issues.author_type') }} is not null as is_bot,
        {{ is_deleted() }} as is_deleted,

        ---------- dates
        cast(issues.created_at as date) as created_date,
        cast(issues.closed_at as date) as closed_date,

        ---------- timestamps
        issues.created_at,
        issues.updated_at,
        issues.closed_at,
        {{ deleted_at() }} as deleted_at,
        issues.observed_at,
        issues.collected_at

    from issues

    {{ join_bots('issues.author_login', 'issues.author_id') }}

    left join tombstones
        on {{ object_key('issues', 'issues') }} = tombstones.object_key

)

select * from final
