with

source as (

    select * from {{ source('github', 'watchlist') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        node_id,
        load_id,

        ---------- strings
        product_name,
        kind as entry_kind,
        target as entry_target,
        repository_name,
        partition_name,
        source_url,

        ---------- numerics
        list_rank,
        clean_version,

        ---------- booleans
        is_enabled,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
