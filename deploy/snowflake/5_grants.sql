-- Least privilege. Whoever creates a schema owns what is in it: the loader its clean tables, the transformer
-- the rest. Readers are let into `published` by each publication, and into nothing else.
use role securityadmin;

grant usage on database trendhouse to role trendhouse_loader;
grant create schema on database trendhouse to role trendhouse_loader;
grant usage on schema trendhouse.lake to role trendhouse_loader;
grant create table on schema trendhouse.lake to role trendhouse_loader;
grant create stage on schema trendhouse.lake to role trendhouse_loader;
grant read, write on stage trendhouse.lake.clean to role trendhouse_loader;
grant usage on file format trendhouse.lake.parquet to role trendhouse_loader;
grant usage on warehouse trendhouse_loading to role trendhouse_loader;

grant usage on database trendhouse to role trendhouse_transformer;
grant create schema on database trendhouse to role trendhouse_transformer;
grant usage on future schemas in database trendhouse to role trendhouse_transformer;
grant select on future tables in database trendhouse to role trendhouse_transformer;
grant usage on schema trendhouse.governance to role trendhouse_transformer;
grant apply on masking policy trendhouse.governance.mask_personal to role trendhouse_transformer;
grant usage on warehouse trendhouse_transforming to role trendhouse_transformer;
grant usage on warehouse trendhouse_marts to role trendhouse_transformer;

grant usage on database trendhouse to role trendhouse_reader;
grant usage on warehouse trendhouse_reading to role trendhouse_reader;

-- A clone keeps its owners: CI builds in it as the transformer. Who wants CI unable to write to production
-- gives it an account of its own.
grant usage on database trendhouse to role trendhouse_ci;
grant create database on account to role trendhouse_ci;
grant usage on warehouse trendhouse_transforming to role trendhouse_ci;
grant role trendhouse_transformer to role trendhouse_ci;

use role accountadmin;

grant database role snowflake.usage_viewer to role trendhouse_accountant;
grant database role snowflake.governance_viewer to role trendhouse_accountant;
grant usage on warehouse trendhouse_reading to role trendhouse_accountant;
