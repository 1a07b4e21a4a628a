"""Refuse secrets and addresses of package registries in what git tracks: `.ci/scan.py [folder]`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

DETECTORS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "CloudantDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "IbmCloudIamDetector",
    "JwtTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TwilioKeyDetector",
)
ALSO_SECRET = re.compile(
    r"github_pat_[A-Za-z0-9_]{22,}|hooks\.slack\.com/(?:services|workflows)/T[A-Z0-9]"
)
REGISTRY = re.compile(
    r"pypi\.(?:org|io)|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|anaconda\.(?:org|com)"
    r"|proxy\.golang\.org|repo1?\.maven|mvn[r]epository|crates\.io|rubygems\.org"
    r"|^\s*(?:--)?(?:extra-)?index-url\b|^\s*--find-links\b|file:///[o]pt",
    re.IGNORECASE,
)
ALLOWED = "pragma: allowlist secret"


def tracked(folder: Path) -> Iterator[Path]:
    """Every file that git tracks below a folder, deleted ones left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=folder, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        path = folder / name
        if path.is_file() and not path.is_symlink():
            yield path


def lines(path: Path) -> list[str]:
    """The lines of a text file; none of a binary one."""
    content = path.read_bytes()
    return [] if b"\0" in content else content.decode("utf-8", errors="replace").splitlines()


def findings(folder: Path) -> Iterator[str]:
    """One line of text per finding: file, line and kind, never the secret itself."""
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        for path in tracked(folder):
            name = path.relative_to(folder)
            for secret in scan_file(str(path)):
                yield f"{name}:{secret.line_number}: {secret.type}"
            for number, line in enumerate(lines(path), 1):
                if ALSO_SECRET.search(line) and ALLOWED not in line:
                    yield f"{name}:{number}: token or webhook"
                if REGISTRY.search(line):
                    yield f"{name}:{number}: address of a package registry"


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()
    found = list(findings(folder))
    print("\n".join(found) if found else "No secret and no registry address in what git tracks.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
