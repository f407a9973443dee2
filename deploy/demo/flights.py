"""The demo's assets: every flight that left New York in 2013, day by day, from files that land in a folder.

    inbox_flights (files) ─> raw_flights ─> silver_flights ─┬─> daily_delays
                                                            └─> carrier_report

Each day is a partition. The two reports are unpartitioned: they take the days that exist so far and passed their
checks. Nothing here says when to run: `eager` does, and the daemon works out the rest.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from headwater import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetExecutionContext,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    FileArrival,
    MaterializeResult,
    asset,
    asset_check,
)

DATA = Path(os.environ.get("HEADWATER_DEMO_DATA", Path(__file__).parent / ".data"))
DAYS = DailyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01")
EAGER = AutomationCondition.eager()
EAGER_OVER_WHAT_EXISTS = EAGER.without(AutomationCondition.any_deps_missing())

inbox_flights = AssetSpec(
    "inbox_flights",
    description="One CSV file for each day, dropped by somebody else.",
    partitions_def=DAYS,
    arrival=FileArrival(DATA / "inbox", "{partition}.csv"),
    group_name="flights",
)


def parquet(table: str, day: str) -> Path:
    """Where a day of a table is kept."""
    return DATA / table / f"{day}.parquet"


def write(query: str, parameters: list[object], target: Path) -> int:
    """Write what a query gives to `target`, whole or not at all; returns the number of rows."""
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_name(f".{target.name}.{os.getpid()}")
    with duckdb.connect() as database:
        database.sql(query, params=parameters).write_parquet(str(building))
        rows = database.read_parquet(str(building)).count("*").fetchall()[0][0]
    building.replace(target)
    return rows


@asset(deps=[inbox_flights], partitions_def=DAYS, automation_condition=EAGER, group_name="flights", kinds={"duckdb"})
def raw_flights(context: AssetExecutionContext) -> MaterializeResult:
    """A day's file as it came, typed."""
    day = context.partition_key
    source = DATA / "inbox" / f"{day}.csv"
    rows = write(
        "select * from read_csv(?, nullstr = ['NA', ''], header = true)", [str(source)], parquet("raw_flights", day)
    )
    return MaterializeResult(metadata={"row_count": rows})


@asset(deps=[raw_flights], partitions_def=DAYS, automation_condition=EAGER, group_name="flights", kinds={"duckdb"})
def silver_flights(context: AssetExecutionContext) -> MaterializeResult:
    """A day's flights, cleaned: one row for each flight, times as minutes, cancelled ones marked."""
    day = context.partition_key
    query = """
        select distinct on (carrier, flight, origin, sched_dep_time)
            make_date("year", "month", "day") as flight_date, carrier, flight, tailnum, origin, dest,
            sched_dep_time, dep_delay, arr_delay, air_time, distance, dep_time is null as cancelled
        from read_parquet(?)
        order by carrier, flight, origin, sched_dep_time
    """
    rows = write(query, [str(parquet("raw_flights", day))], parquet("silver_flights", day))
    return MaterializeResult(metadata={"row_count": rows})


@asset_check(asset=silver_flights, blocking=True)
def no_null_flight_or_carrier(context: AssetCheckExecutionContext) -> AssetCheckResult:
    """Every flight has a number and a carrier."""
    with duckdb.connect() as database:
        silver = database.read_parquet(str(parquet("silver_flights", context.partition_key)))
        nulls = silver.filter("flight is null or carrier is null").count("*").fetchall()[0][0]
    return AssetCheckResult(passed=nulls == 0, metadata={"null_rows": nulls})


@asset_check(asset=silver_flights)
def usual_volume(context: AssetCheckExecutionContext) -> AssetCheckResult:
    """Warn when a day has less than half of the flights of an average day so far."""
    day = context.partition_key
    with duckdb.connect() as database:
        volume = database.sql(
            "select count(*) filter (flight_date = ?::date) as today, "
            "count(*) / greatest(count(distinct flight_date), 1) as average from read_parquet(?)",
            params=[day, str(DATA / "silver_flights" / "*.parquet")],
        ).fetchall()
    today, average = volume[0]
    return AssetCheckResult(
        passed=today >= average / 2,
        severity=AssetCheckSeverity.WARN,
        metadata={"flights": today, "average": round(average)},
    )


def days_handed(context: AssetExecutionContext) -> list[str]:
    """The files of the days that this attempt was handed: those that exist and passed."""
    return [str(parquet("silver_flights", day)) for day in context.asset_partition_keys_for_input("silver_flights")]


@asset(deps=[silver_flights], automation_condition=EAGER_OVER_WHAT_EXISTS, group_name="reports", kinds={"duckdb"})
def daily_delays(context: AssetExecutionContext) -> MaterializeResult:
    """Departures and delays, one row a day."""
    query = """
        select flight_date, count(*) as flights, count(*) filter (cancelled) as cancelled,
            round(avg(dep_delay), 1) as average_dep_delay_min, round(avg(arr_delay), 1) as average_arr_delay_min
        from read_parquet($1) group by flight_date order by flight_date
    """
    rows = write(query, [days_handed(context)], DATA / "daily_delays.parquet")
    return MaterializeResult(metadata={"days": rows})


@asset(deps=[silver_flights], automation_condition=EAGER_OVER_WHAT_EXISTS, group_name="reports", kinds={"duckdb"})
def carrier_report(context: AssetExecutionContext) -> MaterializeResult:
    """How punctual each carrier was, over the days so far."""
    query = """
        select carrier, count(*) as flights, round(avg(arr_delay), 1) as average_arr_delay_min,
            round(100.0 * count(*) filter (arr_delay <= 15) / count(*), 1) as on_time_percent
        from read_parquet($1) group by carrier order by flights desc
    """
    days = days_handed(context)
    rows = write(query, [days], DATA / "carrier_report.parquet")
    return MaterializeResult(metadata={"carriers": rows, "days": len(days)})


defs = Definitions(
    assets=[inbox_flights, raw_flights, silver_flights, daily_delays, carrier_report],
    asset_checks=[no_null_flight_or_carrier, usual_volume],
)
