with

source as (

    select * from {{ source('gharchive', 'readings') }}

),

renamed as (

    select
        {{ reading_columns() }}
    from source

)

select * from renamed
