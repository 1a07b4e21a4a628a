with

source as (

    select * from {{ source('github', 'readings') }}

),

renamed as (

    select
        {{ reading_columns() }}
    from source

)

select * from renamed
