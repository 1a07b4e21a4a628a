{% set columns = ['repository_name', 'is_extended', 'is_current', 'first_seen_at', 'valid_from', 'valid_to'] %}

with

names as (

    select * from {{ ref('int_repository_names_dated') }}

),

newest as (

    select coalesce(max(clean_version), 0) as clean_version from {{ ref('int_repository_names_sighted') }}

),

final as (

    select
        ---------- ids
        names.repository_id,

        ---------- strings
        names.repository_name,

        ---------- numerics
        names.name_number,
        newest.clean_version,

        ---------- booleans
        names.is_extended,
        names.is_current,

        ---------- timestamps
        names.first_seen_at,
        names.valid_from,
        names.valid_to

    from names

    cross join newest

    -- An interval that stands as it stood keeps its version, so that nothing after it is worked on again.
    {% if is_incremental() %}
    left join {{ this }} as known
        on
            names.repository_id = known.repository_id
            and names.name_number = known.name_number
    where
        known.repository_id is null
        {% for column in columns -%}
        or names.{{ column }} is distinct from known.{{ column }}
        {% endfor %}
    {% endif %}

)

select * from final
