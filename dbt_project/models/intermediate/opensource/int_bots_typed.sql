{% set people = ['commits', 'contributors', 'contributor_weeks', 'issues', 'pull_requests'] %}

with

{% for table in people -%}
{{ table }} as (

    select * from {{ ref('stg_github__' ~ table) }}

),

{% endfor -%}
typed as (

    {% for table in people -%}
    select
        author_id,
        author_type,
        clean_version
    from {{ table }}
    where author_type = 'Bot'
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- The run that first said so: a bot that is merely seen again changes nothing.
final as (

    select
        author_id as account_id,
        author_type as account_type,
        min(clean_version) as clean_version
    from typed
    where author_id is not null
    group by author_id, author_type

)

select * from final
