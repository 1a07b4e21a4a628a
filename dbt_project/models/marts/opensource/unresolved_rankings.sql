{% set version = last_version() %}

with

rankings as (

    select * from {{ ref('int_rankings_resolved') }}

),

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
    where
        {% if is_incremental() %}
        clean_version > {{ version }}
        {% else %}
        reason is not null
        {% endif %}

)

select * from final
