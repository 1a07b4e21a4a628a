with

source as (

    select * from {{ source('github', 'pull_requests') }}

),

renamed as (

    select
        ---------- ids
        cast(id as {{ dbt.type_string() }}) as pull_request_id,
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        cast(user_id as {{ dbt.type_string() }}) as author_id,
        cast(head_repository_id as {{ dbt.type_string() }}) as head_repository_id,
        load_id,

        ---------- strings
        title,
        body,
        html_url as url,
        user_login as author_login,
        user_type as author_type,
        author_association,
        state,
        labels as labels_json,
        base_ref,
        head_ref,
        partition_name,
        source_url,

        ---------- numerics
        number as pull_request_number,
        clean_version,

        ---------- booleans
        coalesce(draft, false) as is_draft,

        ---------- timestamps
        created_at,
        updated_at,
        closed_at,
        merged_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
