"""What the tests of the client share."""

from pathlib import Path

import pytest

from tests.cluster_client.serving import Account, an_account


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return an_account(tmp_path)
