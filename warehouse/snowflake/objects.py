"""Roles, warehouses, database, policy, grants and monitor as SQL, under the names that the environment gives."""

from __future__ import annotations

import re

from trendhouse.settings import ROOT
from warehouse.snowflake.account import Account

FOLDER = ROOT / "deploy" / "snowflake"
ROLES = ("role", "loader_role", "reader_role", "accountant_role")
NAMES = (*ROLES, "warehouse", "warehouse_loading", "warehouse_reading")


def rendered(account: Account) -> str:
    """All of it, in the order in which it is run; whatever is there already stays as it is."""
    files = sorted(path for path in FOLDER.glob("*.sql") if "external" not in path.name)
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    for name in NAMES:
        default = Account.model_fields[name].default
        text = re.sub(rf"\b{default}\b", getattr(account, name), text)
        text = re.sub(rf"'{default.upper()}'", f"'{getattr(account, name).upper()}'", text)
    return re.sub(
        r"\bdatabase (?:if not exists )?trendhouse\b|\btrendhouse(?=\.)", named_after(account), text
    )


def named_after(account: Account):
    return lambda found: found[0].replace("trendhouse", account.database)


if __name__ == "__main__":
    print(rendered(Account()))
