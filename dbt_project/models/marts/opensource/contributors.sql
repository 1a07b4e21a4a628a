with

contributors as (

    select * from {{ ref('stg_github__contributors') }}

),

tombstones as (

    {{ tombstones_of('contributors') }}

),

bots as (

    select * from {{ ref('bots') }}

),

-- Who is no longer in the full list (an anonymous one who has become an account) would be counted twice.
judged as (

    select
        contributors.repository_id,
        contributors.author_id,
        contributors.contributor_key,
        contributors.author_login,
        contributors.author_name,
        contributors.author_type,
        contributors.commit_count,
        contributors.observed_at,
        contributors.collected_at,
        {{ version_with_deletion('contributors') }} as clean_version,
        {{ bot_evidence('coalesce(contributors.author_login, contributors.author_name)', 'contributors.author_type') }}
            as bot_evidence
    from contributors
    {{ join_bots('contributors.author_login', 'contributors.author_id') }}
    left join tombstones
        on {{ object_key('contributors', 'contributors') }} = tombstones.object_key
    where not {{ is_deleted() }}

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
