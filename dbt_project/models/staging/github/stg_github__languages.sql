with

source as (

    select * from {{ source('github', 'languages') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        load_id,

        ---------- strings
        language_name,
        partition_name,
        source_url,

        ---------- numerics
        byte_count,
        clean_version,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
