{% set version = last_version() %}

with

commits as (

    select *
    from {{ ref('stg_github__commits') }}
    where
        {{ changed_or_deleted('commits', version) }}

),

tombstones as (

    {{ tombstones_of('commits') }}

),

bots as (

    select * from {{ ref('bots') }}

),

final as (

    select
        ---------- ids
        commits.repository_id,
        commits.commit_id,
        commits.author_id,
        commits.committer_id,

        ---------- strings
        commits.message,
        commits.url,
        commits.author_login,
        commits.author_type,
        commits.author_name,
        commits.committer_login,
        {{ bot_evidence('coalesce(commits.author_login, commits.author_name)', 'commits.author_type') }}
            as bot_evidence,
        tombstones.evidence as deleted_evidence,

        ---------- numerics
        {{ version_with_deletion('commits') }} as clean_version,

        ---------- booleans
        {{ bot_evidence('coalesce(commits.author_login, commits.author_name)', 'commits.author_type') }}
        is not null as is_bot,
        coalesce({{ json_length('commits.parents_json') }}, 0) > 1 as is_merge,
        {{ is_deleted() }} as is_deleted,

        ---------- dates
        cast(commits.authored_at as date) as authored_date,

        ---------- timestamps
        commits.authored_at,
        commits.committed_at,
        {{ deleted_at() }} as deleted_at,
        commits.observed_at,
        commits.collected_at

    from commits

    {{ join_bots('commits.author_login', 'commits.author_id') }}

    left join tombstones
        on {{ object_key('commits', 'commits') }} = tombstones.object_key

)

select * from final
