-- Instead of the internal stage, where the clean lake lies in an object store: Snowflake reads it there.
-- Not rendered by default; fill in the bucket and the cloud role, and set SNOWFLAKE_STAGE_URL to the same URL.
use role accountadmin;

create storage integration if not exists trendhouse_lake
    type = external_stage
    storage_provider = 's3'
    enabled = true
    storage_aws_role_arn = 'arn:aws:iam::<account>:role/trendhouse-lake-reader'
    storage_allowed_locations = ('s3://<bucket>/lake/clean/');
grant usage on integration trendhouse_lake to role sysadmin;

use role sysadmin;

create or replace stage trendhouse.lake.clean
    url = 's3://<bucket>/lake/clean/'
    storage_integration = trendhouse_lake
    file_format = trendhouse.lake.parquet;
grant usage on stage trendhouse.lake.clean to role trendhouse_loader;
