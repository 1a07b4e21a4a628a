with

sightings as (

    select * from {{ ref('int_repository_names_sighted') }}

),

repositories as (

    select * from {{ ref('stg_github__repositories') }}

),

-- A name is borne anew also by who had it before, if another was seen with it meanwhile.
compared as (

    select
        *,
        lag(name_key) over (
            partition by repository_id
            order by first_seen_at, name_key
        ) as former_name_key,
        lag(repository_id) over (
            partition by name_key
            order by first_seen_at, repository_id
        ) as former_bearer_id
    from sightings

),

numbered as (

    select
        *,
        sum(case when name_key = former_name_key and repository_id = former_bearer_id then 0 else 1 end) over (
            partition by repository_id
            order by first_seen_at, name_key
            rows between unbounded preceding and current row
        ) as name_number
    from compared

),

runs as (

    select
        repository_id,
        cast(name_number as bigint) as name_number,
        name_key,
        max(repository_name) as repository_name,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from numbered
    group by repository_id, name_number, name_key

),

neighbours as (

    select
        *,
        lag(last_seen_at) over (partition by repository_id order by name_number) as former_last_seen_at,
        lead(first_seen_at) over (partition by repository_id order by name_number) as next_first_seen_at,
        min(first_seen_at) over (partition by name_key) as name_first_seen_at,
        max(first_seen_at) over (partition by name_key) as name_last_first_seen_at
    from runs

),

-- Only a name that several runs bear needs a look at the others.
shared_names as (

    select *
    from neighbours
    where name_first_seen_at <> name_last_first_seen_at

),

other_holders as (

    select
        shared_names.repository_id,
        shared_names.name_number,
        min(case when others.first_seen_at > shared_names.first_seen_at then others.first_seen_at end) as taken_at,
        max(case when others.first_seen_at <= shared_names.first_seen_at then others.last_seen_at end) as left_at
    from shared_names
    inner join shared_names as others
        on
            shared_names.name_key = others.name_key
            and shared_names.repository_id <> others.repository_id
    group by shared_names.repository_id, shared_names.name_number

),

bounded as (

    select
        neighbours.repository_id,
        neighbours.name_number,
        neighbours.name_key,
        neighbours.repository_name,
        neighbours.first_seen_at,
        neighbours.last_seen_at,
        neighbours.next_first_seen_at,
        other_holders.taken_at,
        least(
            coalesce(neighbours.former_last_seen_at, repositories.created_at, neighbours.first_seen_at),
            neighbours.first_seen_at
        ) as earliest_at,
        least(
            coalesce(other_holders.left_at, cast('0001-01-01' as timestamp)),
            neighbours.first_seen_at
        ) as left_at
    from neighbours
    left join other_holders
        on
            neighbours.repository_id = other_holders.repository_id
            and neighbours.name_number = other_holders.name_number
    left join repositories
        on neighbours.repository_id = repositories.repository_id

),

final as (

    select
        ---------- ids
        repository_id,

        ---------- strings
        repository_name,
        name_key,

        ---------- numerics
        name_number,

        ---------- booleans
        greatest(earliest_at, left_at) < first_seen_at as is_extended,
        next_first_seen_at is null and taken_at is null as is_current,

        ---------- timestamps
        first_seen_at,
        last_seen_at as last_confirmed_at,
        greatest(earliest_at, left_at) as valid_from,
        case
            when next_first_seen_at is null or taken_at is null then coalesce(next_first_seen_at, taken_at)
            else least(next_first_seen_at, taken_at)
        end as valid_to

    from bounded

)

select * from final
