"""Is a server of `sftp://` the one that it was before? As ssh does it: by ~/.ssh/known_hosts."""

from __future__ import annotations

from pathlib import Path

import paramiko

FILES = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")


class Known(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko is untyped
    """Takes a server whose key is in a known_hosts file, and no other.

    fsspec would take any: whoever sits between could hand us captures, and be handed reports.
    """

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        """Called by paramiko for every server, since it has read no known_hosts file itself.

        Raises:
            SSHException: the server's key is unknown, or another than it was.
        """
        known = paramiko.HostKeys()
        for name in FILES:
            if (path := Path(name).expanduser()).is_file():
                known.load(str(path))
        if known.check(hostname, key):
            return
        have = (known.lookup(hostname) or {}).keys()
        why = f"has another {key.get_name()} key than in known_hosts" if key.get_name() in have else "is not known"
        raise paramiko.SSHException(
            f"the server {hostname} {why} ({key.get_name()} {key.fingerprint}): connect once by sftp, and compare it"
        )
