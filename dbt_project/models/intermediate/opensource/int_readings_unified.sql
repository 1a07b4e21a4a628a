{% set sources = ['github', 'gharchive', 'github_ranking', 'endoflife'] %}

with

{% for source in sources -%}
{{ source }} as (

    select * from {{ ref('stg_' ~ source ~ '__readings') }}

),

{% endfor -%}
unified as (

    {% for source in sources -%}
    select
        '{{ source }}' as source_name,
        stream_name,
        partition_name,
        cast(observed_at as date) as observed_date,
        observed_at,
        expected_count,
        method,
        clean_version
    from {{ source }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- A stream may be counted several times a day: the last count stands.
ranked as (

    select
        *,
        row_number() over (
            partition by source_name, stream_name, partition_name, observed_date
            order by observed_at desc nulls last, expected_count desc nulls last
        ) as reading_rank
    from unified

),

final as (

    select
        source_name,
        stream_name,
        partition_name,
        observed_date,
        expected_count,
        method,
        clean_version
    from ranked
    where reading_rank = 1

)

select * from final
