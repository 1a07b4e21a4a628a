{% set version = last_version() %}

with

issues as (

    select *
    from {{ ref('stg_github__issues') }}
    where
        pull_request_json is null
        and {{ changed_or_deleted('issues', 'issue_id', version) }}

),

tombstones as (

    select *
    from {{ ref('stg_github__tombstones') }}
    where object_type = 'issues'

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
        {{ bot_evidence('issues.author_login', 'issues.author_type', 'bots.login') }} as bot_evidence,
        tombstones.evidence as deleted_evidence,

        ---------- numerics
        issues.issue_number,
        issues.comment_count,
        cast({{ dbt.datediff('issues.created_at', 'issues.closed_at', 'second') }} as double) / 3600 as open_hours,
        greatest(issues.clean_version, coalesce(tombstones.clean_version, -1)) as clean_version,

        ---------- booleans
        issues.state = 'open' as is_open,
        issues.is_locked,
        {{ bot_evidence('issues.author_login', 'issues.author_type', 'bots.login') }} is not null as is_bot,
        coalesce(tombstones.is_deleted, false) as is_deleted,

        ---------- dates
        cast(issues.created_at as date) as created_date,
        cast(issues.closed_at as date) as closed_date,

        ---------- timestamps
        issues.created_at,
        issues.updated_at,
        issues.closed_at,
        case when tombstones.is_deleted then tombstones.observed_at end as deleted_at,
        issues.observed_at,
        issues.collected_at

    from issues

    left join bots
        on lower(issues.author_login) = bots.login

    left join tombstones
        on issues.issue_id = tombstones.object_key

)

select * from final
