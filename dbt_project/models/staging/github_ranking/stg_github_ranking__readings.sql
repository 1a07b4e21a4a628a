with

source as (

    select * from {{ source('github_ranking', 'readings') }}

),

renamed as (

    select
        {{ reading_columns() }}
    from source

)

select * from renamed
