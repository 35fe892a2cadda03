"""What S3 refused, as our errors: what, where, why, and a way out.

`StoreAway`       may pass by itself: no answer, throttled, broken off, the server's own fault
`StoreForbidden`  is there and refuses: permissions, credentials, a clock that is off
`StoreError`      anything else: no such bucket, full
"""

from typing import Any, cast

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

from activities.store.interface import StoreAway, StoreError, StoreForbidden
from activities.store.s3.location import S3Location

ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
UNMET = frozenset({"PreconditionFailed", "412"})
"""A condition (`If-None-Match`, `If-Match`) does not hold."""
AGAIN = frozenset(
    {
        "ConditionalRequestConflict",
        "OperationAborted",
        "409",
        "TooManyRequests",
        "429",
        # damaged on its way to the server, which noticed
        "BadDigest",
        "InvalidDigest",
        "XAmzContentSHA256Mismatch",
        "XAmzContentChecksumMismatch",
        "IncompleteBody",
        "RequestTimeout",
    }
)
"""What botocore does not ask again by itself, and what may be another the next time."""
FULL = frozenset({"InsufficientStorage", "XMinioStorageFull", "QuotaExceeded", "QuotaExceededError", "507"})

_CREDENTIALS = (
    "give credentials the way boto3 finds them: `AWS_PROFILE`, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, "
    "or the role of this machine"
)
_REMEDIES = {
    "InvalidAccessKeyId": _CREDENTIALS,
    "XAdminUserNotFound": _CREDENTIALS,  # versitygw's word for it
    "SignatureDoesNotMatch": f"see that the secret is right; {_CREDENTIALS}",
    "ExpiredToken": "sign in again (`aws sso login`), or give new credentials",
    "ExpiredTokenException": "sign in again (`aws sso login`), or give new credentials",
    "RequestTimeTooSkewed": "set the clock of this machine",
    "NoSuchBucket": "make that bucket (Perdure never makes one), or set `PERDURE_STORE` to one that is there",
    "PermanentRedirect": "set `AWS_REGION` to the region of that bucket",
    "301": "set `AWS_REGION` to the region of that bucket",
    "AuthorizationHeaderMalformed": "set `AWS_REGION` to the region of that bucket",
    "IllegalLocationConstraintException": "set `AWS_REGION` to the region of that bucket",
}
BROKEN_BODY = (IncompleteReadError, ResponseStreamingError, ReadTimeoutError)
"""An answer that began and broke off: botocore, which asks again only for the answer's head, leaves that to us."""
_BROKEN = (NoConnectionError, HTTPClientError, IncompleteReadError, ResponseStreamingError, CredentialRetrievalError)


def code_of(error: ClientError) -> str:
    """Return S3's word for what was wrong."""
    return str(cast("dict[str, Any]", error.response).get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """Return the HTTP status, 0 where there was none."""
    return int(cast("dict[str, Any]", error.response).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def was_asked_again(error: ClientError) -> bool:
    """Whether botocore had asked before: then the first request may have been done all the same."""
    return bool(cast("dict[str, Any]", error.response).get("ResponseMetadata", {}).get("RetryAttempts", 0))


def is_broken_off(error: BotoCoreError) -> bool:
    """Whether there was no answer, or half of one."""
    return isinstance(error, _BROKEN)


def store_failure(error: ClientError | BotoCoreError, action: str, location: S3Location) -> StoreError:
    """Return the failure of `action` (`write to`, `read from`) on the store at `location`."""
    kind, why, remedy = _refused(error) if isinstance(error, ClientError) else _unanswered(error)
    return kind(f"cannot {action} the store `{location}`: {why}; {remedy}")


def _refused(error: ClientError) -> tuple[type[StoreError], str, str]:
    code, status = code_of(error), status_of(error)
    said = str(cast("dict[str, Any]", error.response).get("Error", {}).get("Message", ""))[:200].strip(". ")
    why = f"S3 answered `{code}`" + (f" ({said})" if said and said != code else "")
    if code in FULL or status == 507:
        return StoreError, why, "free space there"
    if code in _REMEDIES:
        return (
            (StoreForbidden if status in {400, 401, 403} or _REMEDIES[code] == _CREDENTIALS else StoreError),
            why,
            _REMEDIES[code],
        )
    if status in {401, 403, 405}:
        return StoreForbidden, why, "see that these credentials may do that with this bucket and prefix"
    if status >= 500 or status in {408, 409, 429} or code in AGAIN or code == "SlowDown":
        return StoreAway, why, "see that the server is well"
    return StoreError, why, "look at that bucket and its server"


def _unanswered(error: BotoCoreError) -> tuple[type[StoreError], str, str]:
    why = str(error)[:300].strip(". ") or type(error).__name__
    why = why[:1].lower() + why[1:]
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, ProfileNotFound)):
        return StoreForbidden, why, _CREDENTIALS
    if is_broken_off(error):
        return StoreAway, why, "see that the server is there (`AWS_ENDPOINT_URL_S3` says where another than AWS is)"
    return StoreError, why, "look at the settings of boto3 (`AWS_…` variables, `~/.aws/config`)"
