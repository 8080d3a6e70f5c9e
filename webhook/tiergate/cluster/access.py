"""Two questions only the API server can answer: whose token is this, and may they do that."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tiergate.cluster.client import Client

TOKEN_REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - a path
ACCESS_REVIEWS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
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


async def user_of(client: Client, token: str) -> User | None:
    """Return the user a bearer token belongs to, None for a token the API server does not know.

    Raises:
        ApiError, Unreachable: There is no answer to the question.
    """
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    body = await client.request("POST", TOKEN_REVIEWS, body=msgspec.json.encode(asked), timeout=TIMEOUT)
    status = msgspec.json.decode(body, type=_TokenReview).status
    return status.user if status.authenticated else None


async def may_use_resource(
    client: Client,
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
        ApiError, Unreachable: There is no answer to the question.
    """
    attributes = {"verb": verb, "group": group, "version": "*", "resource": resource, "name": name}
    return await _may(client, user, {"resourceAttributes": attributes}, min(timeout, TIMEOUT))


async def may_use_path(client: Client, user: User, *, verb: str, path: str) -> bool:
    """Say whether the user may use a verb on a URL that is no resource, for example get on /metrics.

    Raises:
        ApiError, Unreachable: There is no answer to the question.
    """
    return await _may(client, user, {"nonResourceAttributes": {"verb": verb, "path": path}}, TIMEOUT)


async def _may(
    client: Client,
    user: User,
    attributes: Mapping[str, Mapping[str, str]],
    timeout: float,  # noqa: ASYNC109 - as the client has it
) -> bool:
    asked = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user.username,
            "uid": user.uid,
            "groups": user.groups,
            "extra": user.extra,
            **attributes,
        },
    }
    body = await client.request("POST", ACCESS_REVIEWS, body=msgspec.json.encode(asked), timeout=timeout)
    status = msgspec.json.decode(body, type=_AccessReview).status
    return status.allowed and not status.denied
