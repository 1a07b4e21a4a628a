with

source as (

    select * from {{ source('github', 'releases') }}

),

renamed as (

    select
        ---------- ids
        cast(id as {{ dbt.type_string() }}) as release_id,
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        cast(author_id as {{ dbt.type_string() }}) as author_id,
        load_id,

        ---------- strings
        tag_name,
        name as release_name,
        body,
        html_url as url,
        author_login,
        target_commitish,
        partition_name,
        source_url,

        ---------- numerics
        clean_version,

        ---------- booleans
        coalesce(draft, false) as is_draft,
        coalesce(prerelease, false) as is_prerelease,

        ---------- timestamps
        created_at,
        updated_at,
        published_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
