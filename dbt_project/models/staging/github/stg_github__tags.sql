with

source as (

    select * from {{ source('github', 'tags') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        sha as commit_id,
        node_id,
        load_id,

        ---------- strings
        name as tag_name,
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
