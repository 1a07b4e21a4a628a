-- While a name is in force without doubt (after its first sighting) nobody else has it.
select
    one.repository_id,
    another.repository_id as other_repository_id,
    one.repository_name
from {{ ref('repository_names') }} as one
inner join {{ ref('repository_names') }} as another
    on
        lower(one.repository_name) = lower(another.repository_name)
        and one.repository_id <> another.repository_id
        and one.first_seen_at < another.first_seen_at
where one.valid_to is null or one.valid_to > another.first_seen_at
