with

source as (

    select * from {{ source('github', 'repositories') }}

),

renamed as (

    select
        {{ repository_columns() }}
    from source

)

select * from renamed
