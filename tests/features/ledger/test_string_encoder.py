"""Strings as dense integers, held against Arrow's dictionaries."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from walletprint.features.ledger import string_encoder
from walletprint.features.ledger.string_encoder import StringEncoder, stable_hash

texts = st.lists(
    st.text(max_size=40) | st.sampled_from(["", "é", "0x" + "a" * 40, "0x" + "a" * 41, "abcdefgh", "abcdefghi"]),
    max_size=60,
)


@given(st.lists(texts, max_size=4))
@settings(max_examples=15, deadline=None)
def test_encoder_means_what_arrow_does(batches):
    check_encoder(batches)


def check_encoder(batches: list[list[str]]) -> None:
    encoder = StringEncoder()
    for batch in batches:
        array = pa.array(batch, pa.string())
        ids = encoder.encode(array if len(batch) % 2 else array.cast(pa.large_string()))
        assert encoder.strings().take(pa.array(ids)).to_pylist() == batch
    together = pa.array([text for batch in batches for text in batch], pa.string())
    if len(together):
        assert encoder.strings().to_pylist() == together.dictionary_encode().dictionary.to_pylist()
    assert encoder.look_up(together).tolist() == together.dictionary_encode().indices.to_pylist()
    assert encoder.look_up(pa.array(["never \0 seen"])).tolist() == [-1]
    np.testing.assert_array_equal(encoder.hashes, stable_hash(encoder.strings()))
    again = StringEncoder.from_state(encoder.state)
    assert again.encode(together).tolist() == encoder.look_up(together).tolist()
    assert len(again) == len(encoder)


def test_encoder_of_many_strings_slices_and_dictionaries():
    rng = np.random.default_rng(1)
    words = [f"0x{i:040x}" if i % 3 else f"bc1q{i}" for i in rng.integers(0, 5_000, 20_000)]
    check_encoder([words[:7_000], words[7_000:]])
    encoder, array = StringEncoder(), pa.array(words)
    parts = [encoder.encode(array.slice(at, 3_000)) for at in range(0, 20_000, 3_000)]
    other = StringEncoder()
    coded = other.encode(array.slice(5_000).dictionary_encode())
    assert other.strings().take(pa.array(coded)).to_pylist() == words[5_000:]
    assert np.concatenate(parts).tolist() == array.dictionary_encode().indices.to_pylist()
    unused = pa.DictionaryArray.from_arrays(pa.array([2, 2, 0]), pa.array(["a", "b", "c"]))
    fresh = StringEncoder()
    ids = fresh.encode(unused)
    assert fresh.strings().take(pa.array(ids)).to_pylist() == ["c", "c", "a"]
    assert len(fresh) == 2  # what nothing names is not known


def test_strings_whose_hashes_are_the_same_stay_apart(monkeypatch):
    real = string_encoder._hash_all

    def few(came, out):
        real(came, out)
        out &= np.uint64(0x0000000100000003)

    monkeypatch.setattr(string_encoder, "_hash_all", few)
    monkeypatch.setattr(StringEncoder, "_widen", lambda self: None)  # which would hash them anew
    check_encoder([[f"0x{i:040x}" for i in range(90)], ["", "a", "b" * 100, "ab", "ab\0"]])
