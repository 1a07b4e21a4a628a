with

contributors as (

    select * from {{ ref('stg_github__contributors') }}

),

bots as (

    select * from {{ ref('bots') }}

),

judged as (

    select
        contributors.*,
        {{ bot_evidence(
            'coalesce(contributors.author_login, contributors.author_name)', 'contributors.author_type', 'bots.login'
        ) }} as bot_evidence
    from contributors
    left join bots
        on lower(contributors.author_login) = bots.login

),

final as (

    select
        ---------- ids
        judged.repository_id,
        judged.author_id,

        ---------- strings
        judged.contributor_key,
        judged.author_login,
        judged.author_name,
        judged.author_type,
        judged.bot_evidence,

        ---------- numerics
        judged.commit_count,
        judged.clean_version,

        ---------- booleans
        judged.bot_evidence is not null as is_bot,
        judged.author_id is null as is_anonymous,

        ---------- timestamps
        judged.observed_at,
        judged.collected_at

    from judged

)

select * from final
