with

names as (

    select * from {{ ref('int_repository_names_versioned') }}

),

final as (

    select
        ---------- ids
        repository_id,

        ---------- strings
        repository_name,

        ---------- numerics
        name_number,
        clean_version,

        ---------- booleans
        is_extended,
        is_current,

        ---------- timestamps
        first_seen_at,
        last_confirmed_at,
        valid_from,
        valid_to

    from names

)

select * from final
