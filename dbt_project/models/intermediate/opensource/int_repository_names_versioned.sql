{% set interval = ['repository_name', 'is_extended', 'is_current', 'first_seen_at', 'valid_from', 'valid_to'] %}

with

names as (

    select * from {{ ref('int_repository_names_dated') }}

),

newest as (

    select coalesce(max(clean_version), 0) as clean_version from {{ ref('int_repository_names_sighted') }}

),

{% if is_incremental() -%}
compared as (

    select
        names.*,
        newest.clean_version,
        known.interval_version as known_version,
        known.last_confirmed_at as known_confirmed_at,
        (
            known.repository_id is null
            {% for column in interval -%}
            or names.{{ column }} is distinct from known.{{ column }}
            {% endfor %}
        ) as is_changed
    from names
    cross join newest
    left join {{ this }} as known
        on
            names.repository_id = known.repository_id
            and names.name_number = known.name_number

),

{% else -%}
compared as (

    select
        names.*,
        newest.clean_version
    from names
    cross join newest

),

{% endif -%}
final as (

    select
        ---------- ids
        repository_id,

        ---------- strings
        repository_name,

        ---------- numerics
        name_number,
        -- A name that is merely seen again keeps it, so that no ranking is resolved again for that.
        {% if is_incremental() -%}
        case when is_changed then clean_version else known_version end as interval_version,
        {% else -%}
        clean_version as interval_version,
        {% endif -%}
        clean_version,

        ---------- booleans
        is_extended,
        is_current,

        ---------- timestamps
        first_seen_at,
        last_confirmed_at,
        valid_from,
        valid_to

    from compared
    {% if is_incremental() -%}
    where is_changed or last_confirmed_at is distinct from known_confirmed_at

    -- An earlier sighting may join two times of a name: without its name the surplus row is taken away.
    union all

    select
        known.repository_id,
        cast(null as {{ dbt.type_string() }}) as repository_name,
        known.name_number,
        newest.clean_version as interval_version,
        newest.clean_version,
        known.is_extended,
        known.is_current,
        known.first_seen_at,
        known.last_confirmed_at,
        known.valid_from,
        known.valid_to
    from {{ this }} as known
    cross join newest
    left join names
        on
            known.repository_id = names.repository_id
            and known.name_number = names.name_number
    where names.repository_id is null
    {% endif %}

)

select * from final
