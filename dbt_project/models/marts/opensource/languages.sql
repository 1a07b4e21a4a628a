with

languages as (

    select * from {{ ref('stg_github__languages') }}

),

final as (

    select
        ---------- ids
        repository_id,

        ---------- strings
        language_name,

        ---------- numerics
        byte_count,
        cast(byte_count as double) / nullif(sum(byte_count) over (partition by repository_id), 0) as byte_share,
        clean_version,

        ---------- timestamps
        observed_at,
        collected_at

    from languages

)

select * from final
