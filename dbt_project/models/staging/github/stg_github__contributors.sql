with

source as (

    select * from {{ source('github', 'contributors') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        cast(id as {{ dbt.type_string() }}) as author_id,
        load_id,

        ---------- strings
        contributor_key,
        login as author_login,
        name as author_name,
        email as author_email,
        type as author_type,
        partition_name,
        source_url,

        ---------- numerics
        contributions as commit_count,
        clean_version,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
