{% set version = last_version() %}

with

rankings as (

    select * from {{ ref('int_rankings_resolved') }}

),

-- A line that has been resolved since arrives without a reason, which takes its row away.
final as (

    select
        ---------- strings
        repository_name,
        list_name,
        reason,

        ---------- numerics
        list_rank,
        star_count,
        fork_count,
        clean_version,

        ---------- dates
        ranking_date

    from rankings
    {% if is_incremental() %}
    where clean_version > {{ version }}
    {% else %}
    where reason is not null
    {% endif %}

)

select * from final
