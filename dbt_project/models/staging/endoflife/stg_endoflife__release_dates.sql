with

source as (

    select * from {{ source('endoflife', 'release_dates') }}

),

renamed as (

    select
        {{ release_date_columns() }}
    from source

)

select * from renamed
