with

source as (

    select * from {{ source('gharchive', 'events') }}

),

renamed as (

    select
        ---------- ids
        event_id,
        cast(actor_id as {{ dbt.type_string() }}) as actor_id,
        cast(repository_id as {{ dbt.type_string() }}) as repository_id,
        cast(issue_id as {{ dbt.type_string() }}) as issue_id,
        cast(pull_request_id as {{ dbt.type_string() }}) as pull_request_id,
        cast(release_id as {{ dbt.type_string() }}) as release_id,
        cast(fork_id as {{ dbt.type_string() }}) as fork_id,
        cast(base_repository_id as {{ dbt.type_string() }}) as base_repository_id,
        load_id,

        ---------- strings
        event_type,
        actor_login,
        repository_name,
        action,
        ref_type,
        release_tag,
        fork_name,
        partition_name,
        source_url,

        ---------- numerics
        push_size as push_commit_count,
        push_distinct_size as push_distinct_commit_count,
        base_star_count,
        base_fork_count,
        base_open_issue_count as base_open_issue_and_pull_request_count,
        clean_version,

        ---------- timestamps
        created_at,
        collected_at,
        observed_at

    from source

)

select * from renamed
