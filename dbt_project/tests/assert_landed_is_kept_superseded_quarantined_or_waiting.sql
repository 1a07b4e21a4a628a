select *
from {{ ref('completeness') }}
where landed_count <> kept_count + superseded_count + quarantined_count + waiting_count
