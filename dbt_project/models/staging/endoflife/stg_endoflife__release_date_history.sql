with

source as (

    select * from {{ source('endoflife', 'release_date_history') }}

),

renamed as (

    select
        {{ release_date_columns() }}
    from source

)

select * from renamed
