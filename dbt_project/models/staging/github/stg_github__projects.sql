with

source as (

    select * from {{ source('github', 'projects') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        node_id,
        cast(project_id as {{ dbt.type_string() }}) as project_id,
        load_id,

        ---------- strings
        title as project_name,
        short_description,
        readme as body,
        url,
        partition_name,
        source_url,

        ---------- numerics
        number as project_number,
        clean_version,

        ---------- booleans
        coalesce(closed, false) as is_closed,

        ---------- timestamps
        created_at,
        updated_at,
        closed_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
