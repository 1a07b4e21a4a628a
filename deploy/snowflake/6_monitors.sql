-- A month's credits, told at 75 % and 90 %, and an end to it: a runaway build cannot spend the year.
use role accountadmin;

create resource monitor if not exists trendhouse_monthly with
    credit_quota = 100
    frequency = monthly
    start_timestamp = immediately
    triggers
        on 75 percent do notify
        on 90 percent do notify
        on 100 percent do suspend
        on 110 percent do suspend_immediate;

alter warehouse trendhouse_loading set resource_monitor = trendhouse_monthly;
alter warehouse trendhouse_transforming set resource_monitor = trendhouse_monthly;
alter warehouse trendhouse_marts set resource_monitor = trendhouse_monthly;
alter warehouse trendhouse_reading set resource_monitor = trendhouse_monthly;
