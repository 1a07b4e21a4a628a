with

source as (

    select * from {{ source('github', 'forks') }}

),

renamed as (

    select
        ---------- ids
        cast(id as {{ dbt.type_string() }}) as fork_id,
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        cast(owner_id as {{ dbt.type_string() }}) as owner_id,
        load_id,

        ---------- strings
        full_name as fork_name,
        owner_login as owner_name,
        html_url as url,
        partition_name,
        source_url,

        ---------- numerics
        stargazers_count as star_count,
        clean_version,

        ---------- timestamps
        created_at,
        updated_at,
        pushed_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
