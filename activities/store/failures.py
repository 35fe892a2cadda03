"""What the system refused, as a message: what, where, why, and a way out."""

import errno

from activities.store.interface import StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def reason(error: OSError) -> str:
    """Return the system's word for `error`, in the tone of our messages."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def is_full(error: OSError) -> bool:
    """Whether a disk or a quota is full."""
    return error.errno in _FULL


def store_remedy(error: OSError) -> str:
    """Return what a person can do when a store's folder refuses."""
    if error.errno in _FULL:
        return "free space there, or set `PERDURE_STORE` to a folder on another disk"
    if error.errno in _FORBIDDEN:
        return "make that folder writable for this user, or set `PERDURE_STORE` to one that is"
    return "look at that folder and its disk, or set `PERDURE_STORE` to another folder"


def store_error(error: OSError, action: str, location: str) -> StoreError:
    """Return the failure of `action` (`write to`, `read from`) on the store at `location`."""
    return StoreError(f"cannot {action} the store `{location}`: {reason(error)}; {store_remedy(error)}")
