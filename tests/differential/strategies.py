"""The same random policies and objects for Hypothesis, which can make them small."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from tests.differential.comparing import Case
from tests.differential.pods import a_claim, a_pod
from tests.differential.policies import a_policy

randoms: Final = st.randoms(use_true_random=False)
policies: Final = randoms.map(a_policy)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A policy and a pod or claim that presses on its edges."""
    random = draw(randoms)
    policy = a_policy(random)
    return Case(policy, draw(st.sampled_from([a_pod, a_pod, a_claim]))(random, policy))
