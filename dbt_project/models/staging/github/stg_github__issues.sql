with

source as (

    select * from {{ source('github', 'issues') }}

),

renamed as (

    select
        ---------- ids
        cast(id as {{ dbt.type_string() }}) as issue_id,
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        cast(user_id as {{ dbt.type_string() }}) as author_id,
        load_id,

        ---------- strings
        title,
        body,
        html_url as url,
        user_login as author_login,
        user_type as author_type,
        author_association,
        state,
        state_reason,
        labels as labels_json,
        pull_request as pull_request_json,
        partition_name,
        source_url,

        ---------- numerics
        number as issue_number,
        comments as comment_count,
        clean_version,

        ---------- booleans
        coalesce(locked, false) as is_locked,

        ---------- timestamps
        created_at,
        updated_at,
        closed_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
