with

source as (

    select * from {{ source('github', 'repository_licenses') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        spdx_id,
        load_id,

        ---------- strings
        license_key,
        license_name,
        path as license_path,
        html_url as url,
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
