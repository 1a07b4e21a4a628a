{% set version = last_version() %}

with

weeks as (

    select * from {{ ref('stg_github__contributor_weeks') }}

),

bots as (

    select * from {{ ref('bots') }}

),

tombstones as (

    {{ tombstones_of('contributors') }}

),

-- A contributor has the same key in both lists if it is an account.
judged as (

    select
        weeks.*,
        {{ bot_evidence('weeks.author_login', 'weeks.author_type') }} is not null as is_bot,
        weeks.author_id is not null and {{ is_deleted() }} as is_gone,
        {{ version_with_deletion('weeks') }} as judged_version
    from weeks
    {{ join_bots('weeks.author_login', 'weeks.author_id') }}
    left join tombstones
        on {{ object_key('contributors', 'weeks') }} = tombstones.object_key

),

{% if is_incremental() -%}
changed as (

    select distinct
        repository_id,
        contributor_key
    from judged
    where judged_version > {{ version }}

),

{% endif -%}
current_weeks as (

    select judged.*
    from judged
    {% if is_incremental() %}
    inner join changed
        on
            judged.repository_id = changed.repository_id
            and judged.contributor_key = changed.contributor_key
    {% endif %}
    where not judged.is_gone

),

final as (

    select
        ---------- ids
        repository_id,
        author_id,

        ---------- strings
        contributor_key,
        author_login,
        author_type,

        ---------- numerics
        total_commit_count,
        commit_count,
        addition_count,
        deletion_count,
        judged_version as clean_version,

        ---------- booleans
        is_bot,

        ---------- dates
        week_start_date,

        ---------- timestamps
        observed_at,
        collected_at

    from current_weeks

    -- Rewritten histories drop weeks: a null count takes the row away.
    {% if is_incremental() %}
    union all

    select
        known.repository_id,
        known.author_id,
        known.contributor_key,
        known.author_login,
        known.author_type,
        known.total_commit_count,
        cast(null as bigint) as commit_count,
        known.addition_count,
        known.deletion_count,
        known.clean_version,
        known.is_bot,
        known.week_start_date,
        known.observed_at,
        known.collected_at
    from {{ this }} as known
    inner join changed
        on
            known.repository_id = changed.repository_id
            and known.contributor_key = changed.contributor_key
    left join current_weeks
        on
            known.repository_id = current_weeks.repository_id
            and known.contributor_key = current_weeks.contributor_key
            and known.week_start_date = current_weeks.week_start_date
    where current_weeks.repository_id is null
    {% endif %}

)

select * from final
