"""What dbt's cross-database macros write, for sqlfluff, which lints the templates without dbt."""


def type_string() -> str:
    return "varchar"


def dateadd(datepart: str, interval: object, moment: str) -> str:
    return f"dateadd({datepart}, {interval}, {moment})"


def datediff(first: str, second: str, datepart: str) -> str:
    return f"datediff({datepart}, {first}, {second})"


def date_trunc(datepart: str, moment: str) -> str:
    return f"date_trunc('{datepart}', {moment})"
