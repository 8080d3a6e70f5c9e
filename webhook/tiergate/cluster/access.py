"""What only the API server knows: whose a token is, and what that user may do."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tiergate.cluster.api import Api
from tiergate.cluster.resource import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS

TIMEOUT: Final = 3.0


class User(msgspec.Struct, frozen=True):
    """A user as the API server names one."""

    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, Sequence[str]] = {}


class _TokenStatus(msgspec.Struct):
    authenticated: bool = False
    user: User = User()


class _TokenReview(msgspec.Struct):
    status: _TokenStatus


class _AccessStatus(msgspec.Struct):
    allowed: bool = False
    denied: bool = False


class _AccessReview(msgspec.Struct):
    status: _AccessStatus


async def user_of(api: Api, token: str) -> User | None:
    """Return the user a bearer token belongs to, None for a token the API server does not know.

    Raises:
        ApiError, Unreachable: There is no answer.
    """
    asked = {"apiVersion": TOKEN_REVIEWS.api_version, "kind": "TokenReview", "spec": {"token": token}}
    body = await api.create(TOKEN_REVIEWS, msgspec.json.encode(asked), timeout=TIMEOUT)
    status = msgspec.json.decode(body, type=_TokenReview).status
    return status.user if status.authenticated else None


async def may_use_resource(
    api: Api,
    user: User,
    *,
    verb: str,
    group: str,
    resource: str,
    name: str,
    timeout: float = TIMEOUT,  # noqa: ASYNC109 - as the client has it
) -> bool:
    """Say whether the user may use a verb on one cluster-scoped object.

    Raises:
        ApiError, Unreachable: There is no answer.
    """
    attributes = {"verb": verb, "group": group, "version": "*", "resource": resource, "name": name}
    return await _may(api, user, {"resourceAttributes": attributes}, min(timeout, TIMEOUT))


async def may_use_path(api: Api, user: User, *, verb: str, path: str) -> bool:
    """Say whether the user may use a verb on a URL that is no resource, for example get on /metrics.

    Raises:
        ApiError, Unreachable: There is no answer.
    """
    return await _may(api, user, {"nonResourceAttributes": {"verb": verb, "path": path}}, TIMEOUT)


async def _may(
    api: Api,
    user: User,
    attributes: Mapping[str, Mapping[str, str]],
    timeout: float,  # noqa: ASYNC109 - as the client has it
) -> bool:
    asked = {
        "apiVersion": SUBJECT_ACCESS_REVIEWS.api_version,
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user.username,
            "uid": user.uid,
            "groups": user.groups,
            "extra": user.extra,
            **attributes,
        },
    }
    body = await api.create(SUBJECT_ACCESS_REVIEWS, msgspec.json.encode(asked), timeout=timeout)
    status = msgspec.json.decode(body, type=_AccessReview).status
    return status.allowed and not status.denied
