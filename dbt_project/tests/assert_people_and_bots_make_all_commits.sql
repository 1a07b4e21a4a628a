select *
from {{ ref('commits_daily') }}
where
    commit_count <> commit_without_bots_count + bot_commit_count
    or merge_commit_count > commit_count
    or author_without_bots_count > author_count
