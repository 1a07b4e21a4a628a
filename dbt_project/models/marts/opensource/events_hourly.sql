{% set version = last_version() %}
{% if is_incremental() %}
    {% set changed = changed_or_named(version, 'actor_id', 'account_id', ref('int_bots_typed')) %}
    {% set range = changed_range(ref('stg_gharchive__events'), 'created_at', changed) %}
{% endif %}

with

events as (

    select * from {{ ref('stg_gharchive__events') }}
    {% if is_incremental() %}
    where
        created_at >= {{ dbt.date_trunc('hour', range.first) }}
        and created_at < {{ dbt.dateadd('hour', 1, range.last) }}
    {% endif %}

),

bots as (

    select * from {{ ref('bots') }}

),

typed_bots as (

    select * from {{ ref('int_bots_typed') }}

),

-- An event knows no account type: what REST says of the actor's id counts.
judged as (

    select
        events.repository_id,
        events.event_type,
        events.actor_id,
        events.actor_login,
        greatest(events.clean_version, coalesce(typed_bots.clean_version, -1)) as clean_version,
        {{ dbt.date_trunc('hour', 'events.created_at') }} as event_hour,
        {{ bot_evidence('events.actor_login', 'typed_bots.account_type') }} is not null as is_bot
    from events
    {{ join_bots('events.actor_login', 'events.actor_id') }}
    left join typed_bots
        on events.actor_id = typed_bots.account_id

),

{% if is_incremental() -%}
changed_hours as (

    select distinct event_hour
    from judged
    where clean_version > {{ version }}

),

{% endif -%}
final as (

    select
        ---------- ids
        judged.repository_id,

        ---------- strings
        judged.event_type,

        ---------- numerics
        count(*) as event_count,
        count(case when not judged.is_bot then 1 end) as event_without_bots_count,
        count(distinct coalesce(judged.actor_id, lower(judged.actor_login))) as actor_count,
        count(
            distinct case when not judged.is_bot then coalesce(judged.actor_id, lower(judged.actor_login)) end
        ) as actor_without_bots_count,
        max(judged.clean_version) as clean_version,

        ---------- timestamps
        cast(judged.event_hour as timestamp) as event_hour

    from judged

    {% if is_incremental() %}
    inner join changed_hours
        on judged.event_hour = changed_hours.event_hour
    {% endif %}

    group by judged.repository_id, judged.event_type, judged.event_hour

)

select * from final
