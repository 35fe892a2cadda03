"""What the system refused, as a message: what, where, why, and a way out."""

import errno

from activities.store.interface import StoreAway, StoreError, StoreForbidden

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR})
_AWAY = _GONE | {
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENOTCONN,
    errno.ESTALE,
    errno.ETIMEDOUT,
}
"""What a network folder says while its server is away or it is not mounted; a broken disk (EIO) does not come back."""


def reason(error: OSError) -> str:
    """Return the system's word for `error`, in the tone of our messages."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def is_full(error: OSError) -> bool:
    """Whether a disk or a quota is full."""
    return error.errno in _FULL


def is_forbidden(error: OSError) -> bool:
    """Whether this user may not do that, or nobody may: it is read-only."""
    return error.errno in _FORBIDDEN


def store_remedy(error: OSError) -> str:
    """Return what a person can do when a store's folder refuses."""
    if error.errno in _FULL:
        return "free space there, or set `PERDURE_STORE` to a folder on another disk"
    if error.errno in _FORBIDDEN:
        return "make that folder writable for this user, or set `PERDURE_STORE` to one that is"
    if error.errno in _AWAY:
        return "see that it is there (a network folder: mounted, and its server up)"
    return "look at that folder and its disk, or set `PERDURE_STORE` to another folder"


def store_error(error: OSError, action: str, location: str) -> StoreError:
    """Return the failure of `action` (`write to`, `read from`) on the store at `location`."""
    kind = StoreForbidden if is_forbidden(error) else StoreAway if error.errno in _AWAY else StoreError
    return kind(f"cannot {action} the store `{location}`: {reason(error)}; {store_remedy(error)}")


def store_gone(location: str) -> StoreAway:
    """Return the failure of asking a store whose folder is not there now."""
    return StoreAway(
        f"the store `{location}` is not there; see that it is (a network folder: mounted, and its server up)"
    )
