with

source as (

    select * from {{ source('github', 'tagged_commits') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        sha as commit_id,
        load_id,

        ---------- strings
        partition_name,
        source_url,

        ---------- numerics
        clean_version,

        ---------- timestamps
        committed_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
