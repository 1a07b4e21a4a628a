{% set version = last_version() %}

with

weeks as (

    select * from {{ ref('stg_github__contributor_weeks') }}

),

bots as (

    select * from {{ ref('bots') }}

),

{% if is_incremental() -%}
changed as (

    select distinct
        repository_id,
        contributor_key
    from weeks
    where clean_version > {{ version }}

),

{% endif -%}
current_weeks as (

    select
        weeks.*,
        {{ bot_evidence('weeks.author_login', 'weeks.author_type', 'bots.login') }} is not null as is_bot
    from weeks
    {% if is_incremental() %}
    inner join changed
        on
            weeks.repository_id = changed.repository_id
            and weeks.contributor_key = changed.contributor_key
    {% endif %}
    left join bots
        on lower(weeks.author_login) = bots.login

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
        clean_version,

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
