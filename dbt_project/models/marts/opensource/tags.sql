with

tags as (

    select * from {{ ref('stg_github__tags') }}

),

tagged_commits as (

    select * from {{ ref('stg_github__tagged_commits') }}

),

commits as (

    select * from {{ ref('stg_github__commits') }}

),

releases as (

    select * from {{ ref('stg_github__releases') }}

),

tombstones as (

    select *
    from {{ ref('stg_github__tombstones') }}
    where object_type = 'tags'

),

released_tags as (

    select distinct
        repository_id,
        tag_name
    from releases

),

final as (

    select
        ---------- ids
        tags.repository_id,
        tags.commit_id,
        tags.node_id,

        ---------- strings
        tags.tag_name,

        ---------- numerics
        greatest(
            tags.clean_version,
            coalesce(tagged_commits.clean_version, -1),
            coalesce(commits.clean_version, -1),
            coalesce(tombstones.clean_version, -1)
        ) as clean_version,

        ---------- booleans
        released_tags.tag_name is not null as has_release,
        coalesce(tombstones.is_deleted, false) as is_deleted,

        ---------- timestamps
        coalesce(tagged_commits.committed_at, commits.committed_at) as committed_at,
        case when tombstones.is_deleted then tombstones.observed_at end as deleted_at,
        tags.observed_at,
        tags.collected_at

    from tags

    left join tagged_commits
        on
            tags.repository_id = tagged_commits.repository_id
            and tags.commit_id = tagged_commits.commit_id

    left join commits
        on
            tags.repository_id = commits.repository_id
            and tags.commit_id = commits.commit_id

    left join released_tags
        on
            tags.repository_id = released_tags.repository_id
            and tags.tag_name = released_tags.tag_name

    left join tombstones
        on tags.repository_id || '/' || tags.tag_name = tombstones.object_key

)

select * from final
