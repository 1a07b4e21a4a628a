with

contributors as (

    select * from {{ ref('stg_github__contributors') }}

),

bots as (

    select * from {{ ref('bots') }}

),

final as (

    select
        ---------- ids
        contributors.repository_id,
        contributors.author_id,

        ---------- strings
        contributors.contributor_key,
        contributors.author_login,
        contributors.author_name,
        contributors.author_type,
        {{ bot_evidence('coalesce(contributors.author_login, contributors.author_name)', 'contributors.author_type', 'bots.login') }} as bot_evidence,

        ---------- numerics
        contributors.commit_count,
        contributors.clean_version,

        ---------- booleans
        {{ bot_evidence('coalesce(contributors.author_login, contributors.author_name)', 'contributors.author_type', 'bots.login') }} is not null as is_bot,
        contributors.author_id is null as is_anonymous,

        ---------- timestamps
        contributors.observed_at,
        contributors.collected_at

    from contributors

    left join bots
        on lower(contributors.author_login) = bots.login

)

select * from final
