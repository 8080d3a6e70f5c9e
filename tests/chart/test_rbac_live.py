"""What each process may do, asked of a real API server with the process's own token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest

from tests.chart.accounts import Account, Granted, Grants, Resource, attempt, discovered, flat
from tests.chart.helm import NAMESPACE, Helm, remove
from tests.chart.test_hooks import CLUSTER_RULES, UNINSTALL_RULES
from tests.chart.test_rbac import CONTROLLER, LEASE, SECRETS, WEBHOOK
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster

EVERYWHERE = "*"
GOVERNED = ("dev", "prod", "staging")
ELSEWHERE = "elsewhere"
KINDS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
# By account: what it may do everywhere, and in single namespaces.
PROCESSES: Mapping[str, Mapping[str, Grants]] = {
    "tiergate-webhook": {EVERYWHERE: WEBHOOK, NAMESPACE: LEASE},
    "tiergate-controller": {EVERYWHERE: CONTROLLER, NAMESPACE: SECRETS},
    "tiergate-crds": {EVERYWHERE: CLUSTER_RULES["tiergate-crds"]},
    "tiergate-uninstall": {
        EVERYWHERE: CLUSTER_RULES["tiergate-uninstall"],
        NAMESPACE: UNINSTALL_RULES,
    },
    "tiergate-verify": {
        EVERYWHERE: CLUSTER_RULES["tiergate-verify"],
        **{namespace: {("", "pods", "*"): {"create"}} for namespace in GOVERNED},
    },
}
ACCOUNTS = pytest.mark.parametrize("name", PROCESSES)


@dataclass(frozen=True)
class Installed:
    """A cluster with the chart's accounts and permissions and nothing else of it, and an account without any.

    `ordinary` is what that one may all the same, by namespace.
    """

    resources: tuple[Resource, ...]
    accounts: Mapping[str, Account]
    nobody: Account
    ordinary: Mapping[str, set[Granted]]


@pytest.fixture(scope="module")
def installed(api_server: Cluster, helm: Helm) -> Iterator[Installed]:
    rendered = helm.render_environments()
    granted = [item for item in rendered.everything if item["kind"] in KINDS]
    names = (NAMESPACE, *GOVERNED, ELSEWHERE)
    api_server.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names))
    api_server.apply(*granted)
    api_server.kubectl(f"wait --for=create serviceaccount/default -n {ELSEWHERE} --timeout=30s")
    with ExitStack() as stack:
        accounts = {name: stack.enter_context(closing(Account(api_server, name, NAMESPACE))) for name in PROCESSES}
        nobody = stack.enter_context(closing(Account(api_server, "default", ELSEWHERE)))
        until(lambda: _are_known(accounts), "the permissions are in force")
        resources = discovered(api_server)
        ordinary = {name: nobody.all_it_may(name, resources) for name in (NAMESPACE, ELSEWHERE)}
        yield Installed(resources, accounts, nobody, ordinary)
    remove(api_server, *names)
    cluster_wide = [item for item in granted if item["kind"].startswith("Cluster")]
    api_server.kubectl("delete -f -", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": cluster_wide}))


def _are_known(accounts: Mapping[str, Account]) -> bool:
    """Return whether the authorizer, which learns by a watch, has seen each binding for the whole cluster."""
    return all(account.may(ELSEWHERE, min(flat(PROCESSES[name][EVERYWHERE]))) for name, account in accounts.items())


def expected(name: str, namespace: str) -> Grants:
    """Return what the table gives an account in a namespace: two entries never have the same key."""
    allowed = PROCESSES[name]
    return {**allowed[EVERYWHERE], **allowed.get(namespace, {})}


@ACCOUNTS
def test_every_permission_of_the_table_works(installed: Installed, name: str) -> None:
    """Each verb is used on the server with the process's own token, as a dry run: it is never forbidden."""
    by_name = {(each.group, each.name): each for each in reversed(installed.resources)}
    tried = 0
    for namespace, grants in PROCESSES[name].items():
        for group, resource, which, verb in sorted(flat(grants)):
            known = by_name[group, resource]
            where = NAMESPACE if namespace == EVERYWHERE else namespace
            status, answer = attempt(installed.accounts[name], known, which, verb, where)
            assert status not in {401, 403}, f"{verb} {group}/{resource} {which}: {answer}"
            assert status < 500, f"{verb} {group}/{resource} {which}: {answer}"
            tried += 1
    assert tried == sum(len(flat(grants)) for grants in PROCESSES[name].values())


@ACCOUNTS
@pytest.mark.parametrize("namespace", [NAMESPACE, "dev", ELSEWHERE])
def test_the_server_knows_of_these_permissions_only(installed: Installed, name: str, namespace: str) -> None:
    """The server's own list, object names included, is the table and what every account has."""
    beyond = installed.accounts[name].rules(namespace) - installed.nobody.rules(namespace)
    assert beyond == flat(expected(name, namespace))


@ACCOUNTS
@pytest.mark.parametrize("namespace", [NAMESPACE, ELSEWHERE])
def test_every_other_verb_is_forbidden(installed: Installed, name: str, namespace: str) -> None:
    """Every verb on everything that the server serves: allowed is what the table says without a name, and no more."""
    beyond = installed.accounts[name].all_it_may(namespace, installed.resources) - installed.ordinary[namespace]
    assert beyond == {one for one in flat(expected(name, namespace)) if one[2] == "*"}


@ACCOUNTS
def test_a_permission_for_one_object_is_for_that_object(installed: Installed, name: str) -> None:
    for namespace, grants in PROCESSES[name].items():
        for group, resource, which, verb in flat(grants):
            if which != "*":
                where = NAMESPACE if namespace == EVERYWHERE else namespace
                assert installed.accounts[name].may(where, (group, resource, which, verb))
                assert not installed.accounts[name].may(where, (group, resource, "another", verb))
