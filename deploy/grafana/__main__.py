"""Write the dashboards where Grafana's provisioning finds them: `python -m deploy.grafana [folder]`."""

from __future__ import annotations

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana.data import DATA
from deploy.grafana.host import HOST
from deploy.grafana.panels import build
from deploy.grafana.pipeline import PIPELINE
from deploy.grafana.upstream import API

BOARDS = (PIPELINE, DATA, API, HOST)
GENERATED = Path(__file__).parent / "generated"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        text = JSONEncoder(sort_keys=True, indent=1).encode(build(board))
        (folder / f"{board.uid}.json").write_text(f"{text}\n")
        print(folder / f"{board.uid}.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else GENERATED)
