-- Where everything lies. Clean tables and marts can be made again: transient, a day of time travel, no
-- fail-safe. Snapshots cannot: dbt makes them permanent, with the database's retention.
use role sysadmin;

create database if not exists trendhouse data_retention_time_in_days = 7;

create schema if not exists trendhouse.lake data_retention_time_in_days = 1;
create schema if not exists trendhouse.governance with managed access;

create file format if not exists trendhouse.lake.parquet type = parquet use_logical_type = true;
create stage if not exists trendhouse.lake.clean
    file_format = trendhouse.lake.parquet
    comment = 'Clean files on their way in, removed by COPY';
