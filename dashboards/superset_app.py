"""Superset as gunicorn starts it: its database migrated, its user made, the assets imported, then served.

Runs in Superset's environment, in one process, because each of Superset's own commands starts all of it anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

USER = "admin"


def create() -> Any:
    """The WSGI application over SUPERSET_HOME; a second start repeats only what has changed."""
    home = Path(os.environ["SUPERSET_HOME"])
    stamp = home / "provisioned.json"
    done = json.loads(stamp.read_text()) if stamp.exists() else {}
    if not done:
        # What a killed first start has left is half a database.
        (home / "superset.db").unlink(missing_ok=True)

    from superset.app import create_app

    app = create_app()
    packed = home / "assets.zip"
    wanted = {
        "superset": version("apache-superset"),
        "assets": hashlib.sha256(packed.read_bytes()).hexdigest(),
    }
    with app.app_context():
        if done.get("superset") != wanted["superset"]:
            migrate((home / "password").read_text())
        if done != wanted:
            bring(packed)
            beside = stamp.with_suffix(".part")
            beside.write_text(json.dumps(wanted))
            os.replace(beside, stamp)
    return app


def migrate(password: str) -> None:
    """Bring the database to what this Superset wants, with its roles and its one user."""
    from flask_migrate import upgrade
    from superset import appbuilder, migrations, security_manager
    from superset.extensions import db

    upgrade(directory=str(Path(migrations.__file__).parent))
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    if security_manager.find_user(USER) is None:
        admin = security_manager.find_role("Admin")
        security_manager.add_user(USER, "Trendhouse", "Admin", "admin@localhost", admin, password)
    db.session.commit()


def bring(packed: Path) -> None:
    """Import the assets; what was imported before is replaced."""
    from superset import security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.commands.importers.v1.utils import get_contents_from_bundle
    from superset.utils.core import override_user

    with ZipFile(packed) as bundle:
        contents = get_contents_from_bundle(bundle)
    with override_user(security_manager.find_user(USER)):
        ImportAssetsCommand(contents).run()
