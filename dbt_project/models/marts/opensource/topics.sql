with

topics as (

    select * from {{ ref('stg_github__topics') }}

),

final as (

    select
        ---------- ids
        repository_id,

        ---------- strings
        topic_name,

        ---------- numerics
        clean_version,

        ---------- timestamps
        observed_at,
        collected_at

    from topics

)

select * from final
