"""The store: content-addressed blobs, write-once records, documents.

interface       what a store is; `StoreError`, `BlobMissing`
directory       the back end that is a folder (directory_place, _keys, _packs, _listing, _sweeping)
s3              the back end that is a bucket of any S3
packs           many small files as one: the format that both keep
opening         from a location (`PERDURE_STORE`) to a store that can be written
keys            which keys are sound, and how names become parts of keys
staging         many files on their way into a folder store (packing: small ones in packs; cloning: sharing blocks)
canonical_json  one text for one value, so that digests mean something
durable_files   files that appear whole or not at all, and survive a power loss
permissions     what this user may do with a store, found by trying
location        what `PERDURE_STORE` and `PERDURE_PROJECT` say together
patience        a store that is waited for: what a worker puts around its own
failures        what the system refused, as a message with a way out
"""
