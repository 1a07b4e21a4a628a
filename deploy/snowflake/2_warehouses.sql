-- A warehouse per kind of work, so that each is as large as its work and sleeps when there is none.
use role sysadmin;

create warehouse if not exists trendhouse_loading
    warehouse_size = xsmall auto_suspend = 60 auto_resume = true initially_suspended = true
    statement_timeout_in_seconds = 3600 comment = 'COPY of new clean files';
create warehouse if not exists trendhouse_transforming
    warehouse_size = xsmall auto_suspend = 60 auto_resume = true initially_suspended = true
    statement_timeout_in_seconds = 3600 comment = 'Views, seeds, tests, checks';
create warehouse if not exists trendhouse_marts
    warehouse_size = small auto_suspend = 60 auto_resume = true initially_suspended = true
    statement_timeout_in_seconds = 7200 comment = 'Intermediate tables, marts, snapshots';
create warehouse if not exists trendhouse_reading
    warehouse_size = xsmall auto_suspend = 300 auto_resume = true initially_suspended = true
    statement_timeout_in_seconds = 600 comment = 'People and dashboards, whose cache outlives short pauses';
