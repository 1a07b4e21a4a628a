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

    select * from {{ ref('int_releases_tombstoned') }}

),

tombstones as (

    {{ tombstones_of('tags') }}

),

-- A release that is deleted, or was never published, does not stand for its tag.
released_tags as (

    select
        repository_id,
        tag_name,
        max(case when is_deleted or is_draft then 0 else 1 end) = 1 as has_release,
        max(greatest(clean_version, coalesce(tombstone_version, -1))) as clean_version
    from releases
    group by repository_id, tag_name

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
            coalesce(released_tags.clean_version, -1),
            coalesce(tombstones.clean_version, -1)
        ) as clean_version,

        ---------- booleans
        coalesce(released_tags.has_release, false) as has_release,
        {{ is_deleted() }} as is_deleted,

        ---------- timestamps
        coalesce(tagged_commits.committed_at, commits.committed_at) as committed_at,
        {{ deleted_at() }} as deleted_at,
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
        on {{ object_key('tags', 'tags') }} = tombstones.object_key

)

select * from final
