with

source as (

    select * from {{ source('github', 'commits') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        sha as commit_id,
        cast(author_id as {{ dbt.type_string() }}) as author_id,
        cast(committer_id as {{ dbt.type_string() }}) as committer_id,
        load_id,

        ---------- strings
        message,
        html_url as url,
        author_login,
        author_type,
        author_name,
        author_email,
        committer_login,
        parents as parents_json,
        partition_name,
        source_url,

        ---------- numerics
        clean_version,

        ---------- timestamps
        authored_at,
        committed_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
