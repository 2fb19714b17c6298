"""The init segments of the index: each is kept once, and goes when no chunk begins with it any more."""

import hashlib

from indexer import keys
from indexer.records import init_of
from indexer.rows import InitRecord, decode_init, encode_init
from indexer.store import Writing
from nvr.codec.bmff import init_segment
from nvr.codec.parameters import describe
from nvr.media import ParameterSets

# Below that nobody looks for those that are of no use: 100 cameras have some hundred, at half a kilobyte each. One that
# brings other parameter sets with each key frame makes a thousand in an hour.
LIMIT = 4096


def stored(txn: Writing, sets: ParameterSets, delay_90k: int) -> int:
    """The number of an init segment, which is written if it is new."""
    picture = describe(sets)
    data = init_segment(sets, picture, composition_delay_90k=delay_90k)
    digest = hashlib.sha256(data).digest()
    known = txn.get(keys.INIT_HASH, digest)
    if known is not None:
        return keys.read_init(known)
    number = _newest(txn) + 1
    row = InitRecord(number, digest, picture.codec_string, picture.width, picture.height, data)
    txn.put(keys.INIT, keys.init(number), encode_init(row))
    txn.put(keys.INIT_HASH, digest, keys.init(number))
    return number


def drop_unused(txn: Writing) -> int:
    """Remove those that no row names, but for the newest: no number is given twice. How many are left.

    All rows are looked at: a second for a million.
    """
    used = {init_of(value) for _, value in txn.rows(keys.CHUNK)} | {_newest(txn)}
    for key, value in list(txn.rows(keys.INIT)):
        if keys.read_init(key) not in used:
            txn.delete(keys.INIT, key)
            txn.delete(keys.INIT_HASH, decode_init(key, value).sha256)
    return txn.count(keys.INIT)


def _newest(txn: Writing) -> int:
    newest = txn.before(keys.INIT, keys.init(2**32 - 1))
    return keys.read_init(newest[0]) if newest else 0
