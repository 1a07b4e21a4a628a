-- Persons: whoever builds sees them, and whoever was given the role; all others see a stand-in, the same
-- for the same person, so that counts and joins hold. dbt puts the policy on the marts' columns.
use role sysadmin;

create masking policy if not exists trendhouse.governance.mask_personal as (value varchar) returns varchar ->
    case
        when is_role_in_session('TRENDHOUSE_TRANSFORMER') then value
        when is_role_in_session('TRENDHOUSE_PERSONAL_READER') then value
        when value is null then null
        else 'person-' || left(sha2(value, 256), 16)
    end;
