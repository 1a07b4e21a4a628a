with

source as (

    select * from {{ source('github', 'repository_observations') }}

),

renamed as (

    select
        {{ repository_columns() }}
    from source

)

select * from renamed
