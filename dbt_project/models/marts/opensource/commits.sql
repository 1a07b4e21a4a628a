with

commits as (

    select *
    from {{ ref('stg_github__commits') }}
    {% if is_incremental() %}
    where clean_version > {{ last_version() }}
    {% endif %}

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
        {{ bot_evidence('coalesce(commits.author_login, commits.author_name)', 'commits.author_type', 'bots.login') }}
            as bot_evidence,

        ---------- numerics
        commits.clean_version,

        ---------- booleans
        {{ bot_evidence('coalesce(commits.author_login, commits.author_name)', 'commits.author_type', 'bots.login') }}
        is not null as is_bot,
        coalesce({{ json_length('commits.parents_json') }}, 0) > 1 as is_merge,

        ---------- dates
        cast(commits.authored_at as date) as authored_date,

        ---------- timestamps
        commits.authored_at,
        commits.committed_at,
        commits.observed_at,
        commits.collected_at

    from commits

    left join bots
        on lower(commits.author_login) = bots.login

)

select * from final
