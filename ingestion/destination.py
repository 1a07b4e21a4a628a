"""dlt's filesystem destination with one addition: a file appears in the lake whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from dlt.destinations import filesystem
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient
from fsspec.implementations.local import LocalFileSystem


class WholeFiles(LocalFileSystem):
    """Puts a file by linking (or copying) it under a name that no reader looks at, then renaming."""

    cachable = False

    def put_file(self, path1: str, path2: str, callback: Any = None, **options: Any) -> None:
        target = Path(self._strip_protocol(path2))
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.part")
        beside.unlink(missing_ok=True)
        try:
            os.link(path1, beside)
        except OSError:  # another file system, or one without links
            shutil.copyfile(path1, beside)
        os.replace(beside, target)


class LakeClient(FilesystemClient):
    def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        if config.is_local_filesystem:
            self.fs_client = WholeFiles(auto_mkdir=True)


class lake(filesystem):
    """`dlt.destinations.filesystem`, local files put whole."""

    @property
    def client_class(self) -> type[FilesystemClient]:
        return LakeClient

    def capabilities(self, config: Any = None, naming: Any = None) -> Any:
        """Those of the address alone: dlt would resolve the whole configuration, each time it asks."""
        if config is None and "bucket_url" in self.config_params:
            config = self.spec(bucket_url=self.config_params["bucket_url"])
        return super().capabilities(config, naming)
