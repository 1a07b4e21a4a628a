with

source as (

    select * from {{ source('github', 'tombstones') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        load_id,

        ---------- strings
        object_type,
        object_key,
        evidence,
        partition_name,
        source_url,

        ---------- numerics
        clean_version,

        ---------- booleans
        is_deleted,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
