"""Small profiles of any shape, for properties of what is made of two of them."""

from hypothesis import strategies as st

from harness.profiles.stacks.folded import Profile

names = st.sampled_from(["f (m.py)", "g (m.py)", "h (p/q.py)"])
profiles = st.dictionaries(
    st.tuples(st.sampled_from(["operation:a", "operation:b", "(driver)"]), names, names)
    | st.tuples(st.just("operation:a")),
    st.integers(1, 10**5),
    min_size=1,
    max_size=12,
).map(lambda stacks: Profile("samples", stacks))
