with

source as (

    select * from {{ source('github', 'licenses') }}

),

renamed as (

    select
        ---------- ids
        spdx_id,
        node_id,
        load_id,

        ---------- strings
        key as license_key,
        name as license_name,
        partition_name,
        source_url,

        ---------- numerics
        clean_version,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
