with

source as (

    select * from {{ source('endoflife', 'readings') }}

),

renamed as (

    select
        {{ reading_columns() }}
    from source

)

select * from renamed
