with

source as (

    select * from {{ source('github', 'contributor_weeks') }}

),

renamed as (

    select
        ---------- ids
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        cast(author_id as {{ dbt.type_string() }}) as author_id,
        load_id,

        ---------- strings
        contributor_key,
        author_login,
        author_type,
        partition_name,
        source_url,

        ---------- numerics
        total as total_commit_count,
        addition_count,
        deletion_count,
        commit_count,
        clean_version,

        ---------- dates
        cast(
            {{ dbt.dateadd('second', 'week_started_at', "cast('1970-01-01' as timestamp)") }} as date
        ) as week_start_date,

        ---------- timestamps
        collected_at,
        observed_at

    from source

)

select * from renamed
