"""Where objects are, and which names can be part of a URL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from tests.senders import RecordingSender
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError, BodyTooLarge
from tiergate.cluster.list_watch import PAGE_BYTES
from tiergate.cluster.meta import read_meta
from tiergate.cluster.resource import LEASES, NAMESPACES, RESOURCE_QUOTAS, SECRETS, TIERS


def test_paths_are_those_of_the_api_server() -> None:
    assert RESOURCE_QUOTAS.collection() == "/api/v1/resourcequotas"
    assert RESOURCE_QUOTAS.collection("dev") == "/api/v1/namespaces/dev/resourcequotas"
    assert NAMESPACES.object("dev") == "/api/v1/namespaces/dev"
    assert TIERS.object("dev", subresource="status") == "/apis/tiergate.io/v1alpha1/tiers/dev/status"
    assert LEASES.object("l", namespace="n") == "/apis/coordination.k8s.io/v1/namespaces/n/leases/l"
    assert (TIERS.api_version, SECRETS.api_version) == ("tiergate.io/v1alpha1", "v1")


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda name: name not in {".", ".."})
)
def test_a_name_stays_one_segment_of_the_url_that_is_sent(name: str) -> None:
    """Whatever is in it: reviews are not authenticated, and their names must not choose what is read."""
    url = URL("https://server" + RESOURCE_QUOTAS.object(name, namespace=name))
    assert url.parts == ("/", "api", "v1", "namespaces", name, "resourcequotas", name)
    assert (url.query_string, url.fragment) == ("", "")


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_no_object_can_have_is_never_sent(name: str) -> None:
    """The library would take it out of the path; it is answered as the API server answers for what is not there."""
    sender = RecordingSender()
    api = Api(sender)
    assert await api.get(NAMESPACES, name) is None
    assert await api.get(SECRETS, "s", namespace=name) is None
    for call in (
        api.list(RESOURCE_QUOTAS, namespace=name),
        api.create(SECRETS, b"{}", namespace=name),
        api.replace(SECRETS, name, b"{}", namespace="n"),
        api.delete(SECRETS, "s", namespace=name, resource_version=None),
        api.patch(TIERS, name, b"{}", patch_type="application/merge-patch+json"),
    ):
        with pytest.raises(ApiError) as refused:
            await call
        assert refused.value.status == 404
    assert sender.sent == []


@pytest.mark.parametrize("levels", [300, 1_500, 100_000])
async def test_a_list_may_hold_what_is_nested_where_nobody_reads(levels: int) -> None:
    """One such object must not hide the others from a handover, an uninstallation or a live read."""
    deep = b'{"metadata": {"name": "a", "managedFields": ' + b"[" * levels + b"]" * levels + b"}}"
    answer = b'{"items": [' + deep + b', {"metadata": {"name": "b"}}]}'

    class Sender(RecordingSender):
        async def request(self, method: str, path: str, **more: Any) -> bytes:  # noqa: ANN401 - as the base has it
            await super().request(method, path, **more)
            return answer

    listed = await Api(Sender()).list(NAMESPACES)
    assert [read_meta(raw).name for raw in listed[1:]] == ["b"]
    assert len(listed) == 2


async def test_what_is_read_one_by_one_is_read_in_pages_of_bounded_size() -> None:
    """However large the objects of one tenant are; one page is in memory at a time."""
    answers: Iterator[bytes | Exception] = iter(
        [
            BodyTooLarge("too large"),
            b'{"metadata": {"continue": "x"}, "items": [{"metadata": {"name": "a"}}]}',
            b'{"metadata": {}, "items": [{"metadata": {"name": "b"}}]}',
        ]
    )
    queries: list[tuple[Mapping[str, str], int]] = []

    class Sender(RecordingSender):
        async def request(self, method: str, path: str, **more: Any) -> bytes:  # noqa: ANN401 - as the base has it
            await super().request(method, path)
            queries.append((more["query"], more["most"]))
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

    listed = [read_meta(raw).name async for raw in Api(Sender()).each(NAMESPACES, query={"labelSelector": "l"})]
    assert listed == ["a", "b"]
    assert [(query["limit"], query.get("continue")) for query, _ in queries] == [
        ("500", None),
        ("250", None),
        ("500", "x"),
    ]
    assert all(query["labelSelector"] == "l" and most == PAGE_BYTES for query, most in queries)


def test_a_namespace_is_asked_for_where_there_is_one_and_only_there() -> None:
    with pytest.raises(ValueError, match="are namespaced"):
        SECRETS.object("s")
    with pytest.raises(ValueError, match="are not namespaced"):
        TIERS.object("t", namespace="n")
