"""The folder that keeps what must survive: the database, the secret key, the backups."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from config.env import WrongSetting


def make(path: Path) -> Path:
    """Make the folder at `path`, readable by its owner alone, unless it is there."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise WrongSetting("DATA_DIR", f"cannot make the folder {path}: {error}") from None
    return path


def secret_key(folder: Path) -> str:
    """Return the secret key kept in `folder`; the first call makes it (mode 0600)."""
    path = folder / "secret_key"
    if not path.exists():
        draft = folder / f".secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(48), encoding="ascii")
            # A link is all or nothing: of two first starts at once, one key wins, whole.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(draft)
        except OSError as error:
            raise WrongSetting("DATA_DIR", f"cannot write to {folder}: {error}") from None
        finally:
            draft.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()


@contextlib.contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock `name` of the folder, waiting while another process of this machine has it."""
    with (folder / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
