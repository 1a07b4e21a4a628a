-- Who does what. Nobody works as an administrator; administrators hold every role from above.
use role useradmin;

create role if not exists trendhouse_loader comment = 'Loads the clean lake into clean tables';
create role if not exists trendhouse_transformer comment = 'Builds, checks and publishes';
create role if not exists trendhouse_reader comment = 'Reads what is published, persons masked';
create role if not exists trendhouse_personal_reader comment = 'Reads what is published, persons included';
create role if not exists trendhouse_ci comment = 'Clones for pull requests';
create role if not exists trendhouse_accountant comment = 'Reads what was spent';

-- A machine's user: no password; its public key, or the workload that it is, is set by hand, once.
create user if not exists trendhouse
    type = service
    default_role = trendhouse_transformer
    default_warehouse = trendhouse_transforming
    timezone = 'UTC'
    timestamp_type_mapping = 'TIMESTAMP_NTZ'
    comment = 'Trendhouse: load, build, publish';

use role securityadmin;

grant role trendhouse_reader to role trendhouse_personal_reader;
grant role trendhouse_loader to user trendhouse;
grant role trendhouse_transformer to user trendhouse;
grant role trendhouse_reader to user trendhouse;
grant role trendhouse_accountant to user trendhouse;
grant role trendhouse_loader to role sysadmin;
grant role trendhouse_transformer to role sysadmin;
grant role trendhouse_personal_reader to role sysadmin;
grant role trendhouse_ci to role sysadmin;
grant role trendhouse_accountant to role sysadmin;
